// SPDX-License-Identifier: Apache-2.0

package import GantryModel
package import Logging
package import Postgres

/// Takes an operator's word that a silent node's host runs nothing any more and will not by itself: only then what is
/// there can be given up without the node.
///
/// Whatever the operator did, the node may come back. Its agent's session is over; the next one begins with what must not
/// run there any more, and no machine is placed there before that is gone.
package struct NodeDeath: Sendable {
    let database: Database
    let limits: PhaseTimeLimits
    let outbox: OutboxSignal
    let logger: Logger

    package init(database: Database, limits: PhaseTimeLimits = PhaseTimeLimits(), outbox: OutboxSignal, logger: Logger)
    {
        (self.database, self.limits, self.outbox, self.logger) = (database, limits, outbox, logger)
    }

    /// Declares a node dead: its machines are placed elsewhere, gone, or in ERROR. Doing it again changes nothing.
    ///
    /// - Parameters:
    ///   - name: the node's.
    ///   - fencedBy: how it was made sure, in the operator's words.
    /// - Throws: ``NodeRefusal`` with `notFound`, or with `conflict` while the node is not silent.
    package func declare(_ name: NodeName, fencedBy: String) async throws {
        let limits = limits
        let outcome = try await database.transaction { try Self.declare(name, fencedBy, limits, $0) }
        guard let outcome else { return }
        logger.warning(
            "A node was declared dead.",
            metadata: [
                "node.name": "\(name)", "fenced_by": "\(fencedBy)", "machines.placed": "\(outcome.unplaced.count)",
                "machines.lost": "\(outcome.lost)",
            ]
        )
        // The reconciler does it again when this fails.
        let placer = MachinePlacer(database: database, limits: limits, outbox: outbox)
        for machine in outcome.unplaced { try await placer.place(machine) }
        try await FloatingIPMover(database: database, limits: limits, outbox: outbox).complete()
    }

    private struct Outcome {
        let unplaced: [VirtualMachineID]
        let lost: Int
    }

    /// Locks in the order of reports: the last report, the machines, the node.
    ///
    /// - Returns: nil when it was declared dead before.
    private static func declare(
        _ name: NodeName,
        _ fencedBy: String,
        _ limits: PhaseTimeLimits,
        _ transaction: Transaction
    ) throws -> Outcome? {
        let found = try transaction.query("SELECT id FROM compute_node WHERE name = \(name)")
        guard let node: NodeID = try found.first?["id"] else {
            throw NodeRefusal(.notFound, "There is no node named \(name).")
        }
        _ = try transaction.query("SELECT 1 FROM node_report WHERE node_id = \(node) FOR UPDATE")
        let machines =
            try transaction.query(
                """
                SELECT \(raw: StoredMachine.columns) FROM virtual_machine vm WHERE vm.node_id = \(node) ORDER BY vm.id FOR UPDATE
                """
            )
            .map { try StoredMachine($0) }
        guard let isSurveyed = try requireSilence(of: node, name, transaction) else { return nil }
        let transitions = machines.map { $0.afterNodeDeath(isSurveyed: isSurveyed) }
        _ = try transaction.together(
            [
                """
                UPDATE compute_node
                SET state = 'dead', epoch = epoch + 1, declared_dead_at = now(), fenced_by = \(fencedBy), awaited = false
                WHERE id = \(node)
                """
            ] + TransitionWriter(limits: limits).statements(transitions, node: node)
                + [StatusCallback.afterChange(ofNodes: [node])]
        )
        return Outcome(
            unplaced: transitions.filter { $0.leavesNode && $0.machine.phase != .deleted }.map(\.machine.id),
            lost: transitions.count { !$0.leavesNode }
        )
    }

    /// - Returns: whether it was heard since the database was restored; nil when it was declared dead before.
    private static func requireSilence(
        of node: NodeID,
        _ name: NodeName,
        _ transaction: Transaction
    ) throws -> Bool? {
        let rows = try transaction.query(
            """
            SELECT n.state, NOT n.unsurveyed AS surveyed, extract(epoch FROM now() - r.received_at)::bigint AS age
            FROM compute_node n LEFT JOIN node_report r ON r.node_id = n.id WHERE n.id = \(node) FOR UPDATE OF n
            """
        )
        let state: NodeRecord.State? = try rows.first?["state"]
        switch state {
        case .silent: return try rows.first?["surveyed"]
        case .dead: return nil
        case .up:
            let age: Int64 = try rows.first?["age"] ?? 0
            throw NodeRefusal(
                .conflict,
                "Node \(name) reported \(age) seconds ago, so it is not dead: power its host off and wait until it is silent, "
                    + "or drain it."
            )
        case .new, nil:
            throw NodeRefusal(.conflict, "No agent of node \(name) ever came, so it has no machines; remove the node.")
        }
    }
}
