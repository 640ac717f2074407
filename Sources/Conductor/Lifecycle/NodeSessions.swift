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
    /// A node is silent after this many report intervals of its session without a report.
    package var missedReports = 4

    package init() {}
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
        try Self.check(lastEpoch: request.lastEpoch)
        let (session, reason, orphans) = try await database.transaction { transaction in
            let reason = try Self.checkIdentity(request, node, transaction)
            let epoch = try raiseEpoch(request, node, transaction)
            try InventoryStore.write(request.inventory, of: node.id, transaction)
            let survey = HostSurvey(request: request, node: node, reason: reason, transaction: transaction)
            let (abandoned, orphans) = try survey.run()
            let session = NodeSession(
                epoch: epoch,
                nodeID: node.id,
                queue: TaskTopology.queue(of: node.name),
                reportInterval: intervals.report,
                desiredInterval: intervals.desired,
                floatingIPPools: try Self.pools(of: node.id, transaction),
                abandoned: abandoned
            )
            return (session, reason, orphans)
        }
        if reason == .behind {
            logger.error(
                "A node had sessions that this database knows nothing of. If the database was restored from a copy of its files, say so: gantry-conductor restored",
                metadata: ["node.name": "\(node.name)"]
            )
        }
        for uuid in orphans {
            logger.warning(
                "A node came with a machine of ours that nothing wants there; what it holds is kept for it.",
                metadata: ["node.name": "\(node.name)", "vm.uuid": "\(uuid)"]
            )
        }
        return session
    }

    /// All that is wanted of the node; nil when that is still the revision that the agent knows.
    ///
    /// - Throws: ``NodeRefusal`` with `unsurveyed` when the database was restored since the agent's session began.
    package func desired(of node: NodeIdentity, unless known: Int64?) async throws -> DesiredState? {
        try await database.read { transaction in
            // The revision first: what changes between the statements is then seen as new once more.
            let rows = try transaction.query(
                """
                SELECT n.revision, n.unsurveyed, EXISTS (
                    SELECT FROM compute_node w WHERE w.region_id = n.region_id AND w.awaited) AS awaits_others
                FROM compute_node n WHERE n.id = \(node.id)
                """
            )
            guard let row = rows.first else { return nil }
            guard try !row["unsurveyed"] else { throw NodeRefusal.unsurveyed(node) }
            let revision: Int64 = try row["revision"]
            guard revision != known else { return nil }
            // What waits for other hosts comes without a new revision, so the agent does not get this one before.
            let isWhole: Bool = try !row["awaits_others"]
            return DesiredState(
                revision: isWhole ? revision : revision - 1,
                machines: try MachineTaskStore.tasks(of: node.id, transaction),
                floatingIPPools: try Self.pools(of: node.id, transaction)
            )
        }
    }

    /// So that the numbers to come have room above any that a host says it had.
    private static func check(lastEpoch: Int64?) throws(NodeRefusal) {
        guard let lastEpoch, lastEpoch > 1 << 53 else { return }
        throw NodeRefusal(.wrongIdentity, "No conductor ever gave a host epoch \(lastEpoch).")
    }

    /// Locks the node, and what goes before it.
    ///
    /// - Returns: why the host is surveyed.
    private static func checkIdentity(
        _ request: NodeSessionRequest,
        _ node: NodeIdentity,
        _ transaction: Transaction
    ) throws -> HostSurvey.Reason {
        // Reports lock in this order too.
        _ = try transaction.query("SELECT 1 FROM node_report WHERE node_id = \(node.id) FOR UPDATE")
        _ = try transaction.together([
            HostSurvey.lockMachines(request, on: node.id), StatusCallback.lock(ofNodes: [node.id]),
            GPUInventoryStore.lockMachines(on: node.id),
        ])
        let rows = try transaction.query(
            """
            SELECT state, hostname, unsurveyed, awaited, epoch < \(request.lastEpoch ?? 0) AS is_behind
            FROM compute_node WHERE id = \(node.id) FOR UPDATE
            """
        )
        guard let row = rows.first else { throw NodeRefusal(.unauthorized, "Node \(node.name) was removed.") }
        let state: NodeRecord.State = try row["state"]
        let isUnsurveyed: Bool = try row["unsurveyed"]
        if state == .new, !isUnsurveyed, !request.machines.isEmpty {
            throw NodeRefusal(
                .wrongIdentity,
                "Node \(node.name) is new to this conductor, but host \(request.hostname) has "
                    + "\(request.machines.count) of our machines. Either the agent has another node's place: set the right "
                    + "one, or remove the domains first. Or the conductor's database was restored from a backup that is "
                    + "older than the node: say so (`gantry-conductor restored`), and they are kept as orphans."
            )
        }
        if let known: String = try row["hostname"], known != request.hostname {
            throw NodeRefusal(
                .wrongIdentity,
                "Node \(node.name) is host \(known), but \(request.hostname) came with its key. If the host was "
                    + "renamed or replaced, let the node forget it (`gantry node forget-host \(node.name)`); "
                    + "else give this host a node of its own."
            )
        }
        if try row["awaited"] { return .awaited }
        if isUnsurveyed { return .restored }
        return try row["is_behind"] ? .behind : .session
    }

    private func raiseEpoch(
        _ request: NodeSessionRequest,
        _ node: NodeIdentity,
        _ transaction: Transaction
    ) throws -> Int64 {
        let rows = try transaction.query(
            """
            UPDATE compute_node SET epoch = greatest(epoch, \(request.lastEpoch ?? 0)) + 1,
                hostname = \(request.hostname), state = 'up', unsurveyed = false,
                awaited = false
            WHERE id = \(node.id) RETURNING epoch
            """
        )
        guard let epoch: Int64 = try rows.first?["epoch"] else {
            throw NodeRefusal(.unauthorized, "Node \(node.name) was removed.")
        }
        try transaction.execute(
            """
            INSERT INTO node_report (node_id, epoch, boot_id, sequence, interval_seconds, collected_at, complete,
                hypervisor_reachable)
            VALUES (\(node.id), \(epoch), \(request.bootID), 0, \(intervals.report), now(), false, true)
            ON CONFLICT (node_id) DO UPDATE SET epoch = excluded.epoch, boot_id = excluded.boot_id, sequence = 0,
                interval_seconds = excluded.interval_seconds, received_at = now(), complete = false
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
}
