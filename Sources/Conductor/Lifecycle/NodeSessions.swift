// SPDX-License-Identifier: Apache-2.0

import Foundation
import GantryModel
package import GantryProtocol
package import Logging
package import Postgres

/// How often agents speak, and when silence counts.
package struct NodeIntervals: Sendable, Hashable {
    /// Seconds between reports when nothing happens.
    package var report = 10
    /// Seconds between looks at the desired state.
    package var desired = 60
    /// A node is silent after this many report intervals without a report.
    package var missedReports = 4

    package init() {}

    /// Seconds without a report after which a node is silent.
    package var silence: Int { report * missedReports }
}

/// Opens sessions for agents that start, and tells them what is wanted of their node.
package struct NodeSessions: Sendable {
    private let database: Database
    private let intervals: NodeIntervals
    private let logger: Logger

    package init(database: Database, intervals: NodeIntervals = NodeIntervals(), logger: Logger) {
        (self.database, self.intervals, self.logger) = (database, intervals, logger)
    }

    /// Gives the agent a new epoch, which ends the sessions before.
    ///
    /// - Throws: ``NodeRefusal`` with `wrongIdentity` when the host is not the one that the node's name stands for.
    package func open(_ request: NodeSessionRequest, for node: NodeIdentity) async throws -> NodeSession {
        try NodeRefusal.check(protocolVersion: request.protocolVersion)
        let (session, strangers) = try await database.transaction { transaction in
            try Self.checkIdentity(request, node, transaction)
            let epoch = try Self.raiseEpoch(request, node, transaction)
            try InventoryStore.write(request.inventory, of: node.id, transaction)
            let abandoned = try AbandonedMachines.tasks(of: node, transaction)
            let session = NodeSession(
                epoch: epoch,
                nodeID: node.id,
                queue: TaskTopology.queue(of: node.name),
                reportInterval: intervals.report,
                desiredInterval: intervals.desired,
                floatingIPPools: try Self.pools(of: node.id, transaction),
                abandoned: abandoned
            )
            let strangers = try Self.strangers(request.machines, on: node.id, transaction)
            return (session, strangers.filter { uuid in !abandoned.contains { $0.uuid == uuid } })
        }
        for uuid in strangers {
            logger.warning(
                "A node came with a domain of ours that nothing wants there.",
                metadata: ["node.name": "\(node.name)", "vm.uuid": "\(uuid)"]
            )
        }
        return session
    }

    /// All that is wanted of the node; nil when that is still the revision that the agent knows.
    package func desired(of node: NodeIdentity, unless known: Int64?) async throws -> DesiredState? {
        try await database.read { transaction in
            // The revision first: what changes between the statements is then seen as new once more.
            let rows = try transaction.query("SELECT revision FROM compute_node WHERE id = \(node.id)")
            guard let revision: Int64 = try rows.first?["revision"], revision != known else { return nil }
            return DesiredState(
                revision: revision,
                machines: try MachineTaskStore.tasks(of: node.id, transaction),
                floatingIPPools: try Self.pools(of: node.id, transaction)
            )
        }
    }

    private static func checkIdentity(
        _ request: NodeSessionRequest,
        _ node: NodeIdentity,
        _ transaction: Transaction
    ) throws {
        // Reports lock in this order too.
        _ = try transaction.query("SELECT 1 FROM node_report WHERE node_id = \(node.id) FOR UPDATE")
        _ = try transaction.together([
            StatusCallback.lock(ofNodes: [node.id]), GPUInventoryStore.lockMachines(on: node.id),
        ])
        let rows = try transaction.query("SELECT state, hostname FROM compute_node WHERE id = \(node.id) FOR UPDATE")
        guard let row = rows.first else { throw NodeRefusal(.unauthorized, "Node \(node.name) was removed.") }
        let state: NodeRecord.State = try row["state"]
        if state == .new, !request.machines.isEmpty {
            throw NodeRefusal(
                .wrongIdentity,
                "Node \(node.name) is new to this conductor, but host \(request.hostname) has "
                    + "\(request.machines.count) of our machines. Either the conductor uses another or a restored "
                    + "database, or the agent another node's place: set the right one, or remove the domains first."
            )
        }
        if let known: String = try row["hostname"], known != request.hostname {
            throw NodeRefusal(
                .wrongIdentity,
                "Node \(node.name) is host \(known), but \(request.hostname) came with its key. If the host was "
                    + "renamed or replaced, let the node forget it (`gantry admin node forget-host \(node.name)`); "
                    + "else give this host a node of its own."
            )
        }
    }

    private static func raiseEpoch(
        _ request: NodeSessionRequest,
        _ node: NodeIdentity,
        _ transaction: Transaction
    ) throws -> Int64 {
        let rows = try transaction.query(
            """
            UPDATE compute_node SET epoch = epoch + 1, hostname = \(request.hostname), state = 'up'
            WHERE id = \(node.id) RETURNING epoch
            """
        )
        guard let epoch: Int64 = try rows.first?["epoch"] else {
            throw NodeRefusal(.unauthorized, "Node \(node.name) was removed.")
        }
        try transaction.execute(
            """
            INSERT INTO node_report (node_id, epoch, boot_id, sequence, collected_at, complete, hypervisor_reachable)
            VALUES (\(node.id), \(epoch), \(request.bootID), 0, now(), false, true)
            ON CONFLICT (node_id) DO UPDATE SET epoch = excluded.epoch, boot_id = excluded.boot_id, sequence = 0,
                received_at = now(), complete = false
            """
        )
        try transaction.execute(StatusCallback.afterChange(ofNodes: [node.id]))
        return epoch
    }

    /// The floating IP pools of the node's region.
    private static func pools(of node: NodeID, _ transaction: Transaction) throws -> [Subnet] {
        try transaction.query(
            """
            SELECT p.network FROM floating_ip_pool p JOIN compute_node n ON n.region_id = p.region_id
            WHERE n.id = \(node) ORDER BY p.network
            """
        )
        .map { try $0["network"] }
    }

    private static func strangers(
        _ machines: [MachineUUID],
        on node: NodeID,
        _ transaction: Transaction
    ) throws -> [MachineUUID] {
        guard !machines.isEmpty else { return [] }
        let rows = try transaction.query(
            "SELECT uuid FROM virtual_machine WHERE node_id = \(node) AND uuid = ANY (\(machines)::uuid[])"
        )
        return Set(machines).subtracting(try rows.map { try $0["uuid"] }).sorted { $0.description < $1.description }
    }
}
