// SPDX-License-Identifier: Apache-2.0

package import GantryModel
import Placement
package import Postgres

/// Drives the drains that operators asked for. Any number of conductors may: what to do about a machine is decided under
/// its lock, from its row and its node's alone, so that a drain goes on wherever another one left it.
package struct NodeDrain: Sendable {
    let database: Database
    let limits: PhaseTimeLimits
    let outbox: OutboxSignal

    package init(database: Database, limits: PhaseTimeLimits = PhaseTimeLimits(), outbox: OutboxSignal) {
        (self.database, self.limits, self.outbox) = (database, limits, outbox)
    }

    /// Takes every drain a step further, and starts again what a drain that ended had stopped to move it.
    package func advance() async throws {
        let nodes: [NodeID] = try await database.read { transaction in
            try transaction.query("SELECT id FROM compute_node WHERE drain_policy IS NOT NULL ORDER BY id")
                .map { try $0["id"] }
        }
        for node in nodes { try await advance(node) }
        try await startUnmoved()
    }

    /// Takes the drain of one node a step further, and notes how far it is.
    package func advance(_ node: NodeID) async throws {
        guard let look = try await look(at: node) else { return }
        let obstacle = if let obstacle = look.obstacle { obstacle } else { try await act(on: look, at: node) }
        try await note(obstacle, on: node)
    }

    /// - Returns: why nothing can be done now, by the first machine that waits; nil when something is done.
    private func act(on look: Look, at node: NodeID) async throws -> String? {
        var obstacle: String?
        for machine in look.next {
            let shortage = try await step(machine, on: node)
            // One that fits nowhere keeps no other from its move.
            if look.policy == .move, shortage == nil { return nil }
            obstacle = obstacle ?? shortage
        }
        return obstacle
    }

    // MARK: - Looking

    private func look(at node: NodeID) async throws -> Look? {
        try await database.read { try Look(node, $0) }
    }

    private func note(_ obstacle: String?, on node: NodeID) async throws {
        try await database.transaction { transaction in
            guard let look = try Look(node, transaction) else { return }
            let left = look.steps.count { $0.step.isPending }
            try transaction.execute(
                """
                UPDATE compute_node SET drain_left = \(left), drain_staying = \(look.steps.count - left),
                    drain_obstacle = \(left == 0 ? nil : obstacle),
                    drained_at = CASE WHEN \(left)::integer = 0 THEN coalesce(drained_at, now()) END
                WHERE id = \(node) AND drain_policy = \(look.policy)
                    AND (drain_left, drain_staying, drain_obstacle, drained_at IS NOT NULL)
                        IS DISTINCT FROM (\(left)::integer, \(look.steps.count - left)::integer,
                            \(left == 0 ? nil : obstacle)::text, \(left == 0)::boolean)
                """
            )
        }
    }

    /// What there is on a node that is drained, and what to do about it.
    private struct Look {
        let policy: DrainPolicy
        let isUp: Bool
        let steps: [(machine: StoredMachine, step: DrainStep)]

        /// Nil when the node is not drained.
        init?(_ node: NodeID, _ transaction: Transaction) throws {
            let rows = try transaction.query("SELECT drain_policy, state FROM compute_node WHERE id = \(node)")
            guard let policy: DrainPolicy = try rows.first?["drain_policy"] else { return nil }
            let state: NodeRecord.State? = try rows.first?["state"]
            self.policy = policy
            isUp = state == .up
            steps =
                try transaction.query(
                    "SELECT \(raw: StoredMachine.columns) FROM virtual_machine vm WHERE vm.node_id = \(node) ORDER BY vm.id"
                )
                .map { try StoredMachine($0) }.map { ($0, $0.drainStep(policy)) }
        }

        /// What nothing can be done about here.
        var obstacle: String? {
            isUp || policy == .wait ? nil : "The node does not report, so that nothing can be asked of it."
        }

        /// The machines that something is to be done about now: each, or to move them the first for which there is a place.
        /// They are moved one after the other, so that none is off for a place that another one takes.
        var next: [VirtualMachineID] {
            let due = steps.filter { [.stop, .evict].contains($0.step) }.map(\.machine)
            guard policy == .move else { return due.map(\.id) }
            let underWay = steps.map(\.machine).filter { $0.phase != .error && ($0.evicting || $0.startsElsewhere) }
            return (underWay.isEmpty ? due : due.filter(\.startsElsewhere)).map(\.id)
        }
    }

    // MARK: - Doing

    /// - Returns: why the machine has to wait; nil when it has not to, or another conductor is at it.
    private func step(_ id: VirtualMachineID, on node: NodeID) async throws -> String? {
        let limits = limits
        let (told, obstacle) = try await database.transaction { transaction -> (Bool, String?) in
            let rows = try transaction.query(
                """
                SELECT \(raw: StoredMachine.columns) FROM virtual_machine vm
                WHERE vm.id = \(id) AND vm.node_id = \(node) FOR UPDATE SKIP LOCKED
                """
            )
            guard let machine = try rows.first.map({ try StoredMachine($0) }),
                let policy = try Self.lockPolicy(of: node, transaction)
            else { return (false, nil) }
            let transition: MachineTransition
            switch machine.drainStep(policy) {
            case .wait, .leave: return (false, nil)
            case .stop: transition = machine.stoppedByOperator(startsElsewhere: policy == .move)
            case .evict: transition = machine.evictedByOperator()
            }
            if policy == .move {
                guard try Self.isNext(machine, on: node, transaction) else { return (false, nil) }
                if let shortage = try MachinePlacer.shortage(for: machine, transaction) {
                    return (false, "\(machine.name) waits for a place. \(shortage)")
                }
            }
            return (try TransitionWriter(limits: limits).write([transition], node: node, transaction), nil)
        }
        if told { outbox.raise() }
        return obstacle
    }

    /// Whether no other machine is on its way. Asked under the node's lock: another conductor may have begun with one since
    /// the look.
    private static func isNext(_ machine: StoredMachine, on node: NodeID, _ transaction: Transaction) throws -> Bool {
        if machine.startsElsewhere { return true }
        return
            try transaction.query(
                """
                SELECT FROM virtual_machine
                WHERE node_id = \(node) AND phase <> 'error' AND (evicting OR starts_elsewhere) LIMIT 1
                """
            )
            .isEmpty
    }

    /// Machines that were stopped to be moved and stay, since the drain was ended or is another one now.
    private func startUnmoved() async throws {
        let machines = try await database.read { transaction in
            try transaction.query(
                """
                SELECT vm.id, vm.node_id FROM virtual_machine vm JOIN compute_node n ON n.id = vm.node_id
                WHERE vm.starts_elsewhere AND vm.phase = 'shutoff' AND NOT vm.evicting AND n.state = 'up'
                    AND n.drain_policy IS NULL ORDER BY vm.id
                """
            )
            .map { (id: try $0["id"] as VirtualMachineID, node: try $0["node_id"] as NodeID) }
        }
        for machine in machines { try await startUnmoved(machine.id, on: machine.node) }
    }

    private func startUnmoved(_ id: VirtualMachineID, on node: NodeID) async throws {
        let limits = limits
        let told: Bool
        do {
            told = try await database.transaction { transaction in
                let rows = try transaction.query(
                    """
                    SELECT \(raw: StoredMachine.columns) FROM virtual_machine vm
                    WHERE vm.id = \(id) AND vm.node_id = \(node) AND vm.starts_elsewhere AND vm.phase = 'shutoff'
                        AND NOT vm.evicting FOR UPDATE SKIP LOCKED
                    """
                )
                guard let machine = try rows.first.map({ try StoredMachine($0) }),
                    try Self.lockPolicy(of: node, transaction) == nil
                else { return false }
                if !machine.holdsCompute { try ComputeClaim.take(for: machine, transaction) }
                return try TransitionWriter(limits: limits)
                    .write([machine.startedByOperator()], node: node, transaction)
            }
        } catch is CapacitySearch.ClaimLost {
            return
        } catch is MachineRefusal {
            // Others took its place meanwhile; it is tried again.
            return
        }
        if told { outbox.raise() }
    }

    /// Locked, so that a drain that ends has no effect afterwards.
    private static func lockPolicy(of node: NodeID, _ transaction: Transaction) throws -> DrainPolicy? {
        let rows = try transaction.query(
            "SELECT drain_policy FROM compute_node WHERE id = \(node) FOR NO KEY UPDATE"
        )
        return try rows.first?["drain_policy"]
    }
}
