// SPDX-License-Identifier: Apache-2.0

package import GantryModel
import Postgres

extension MachineLifecycle {
    /// Writes down that a machine is to be deleted, started, stopped, rebooted, hibernated or restored, and claims what it
    /// needs for that and does not have.
    ///
    /// - Parameters:
    ///   - operation: what is asked for.
    ///   - id: the machine.
    ///   - organization: whose it has to be.
    ///   - user: who asks.
    ///   - retainingIP: whether it keeps its floating IP while it is hibernated.
    /// - Returns: the machine afterwards; of one that was on no node and is gone at once, its last state.
    /// - Throws: ``MachineRefusal`` with `notFound` or `wrongState`, or with what could not be claimed.
    package func perform(
        _ operation: MachineOperation,
        on id: VirtualMachineID,
        in organization: OrganizationID,
        by user: UserID?,
        retainingIP: Bool = true
    ) async throws -> VirtualMachineRecord {
        try await claiming {
            try await change(id, in: organization, by: user) { machine, transaction in
                let node = try NodeSituation(of: machine, transaction)
                var transition = try machine.asked(
                    operation,
                    nodeSilent: node.state == .silent,
                    retainingIP: retainingIP
                )
                if operation == .delete, node.state == .dead {
                    return (machine.deletedWithDeadNode(transition), ())
                }
                if transition.machine.desired == .running { try node.requireService(of: machine) }
                if transition.machine.wantsFloatingIP, !machine.wantsFloatingIP {
                    try Self.takeFloatingIP(for: id, transaction)
                }
                if transition.machine.desired == .running, !machine.holdsCompute {
                    try ComputeClaim.take(for: machine, transaction)
                    transition.machine.holdsCompute = true
                }
                return (transition, ())
            }
            .0
        }
    }

    /// Tries again what another request's claim came before.
    private func claiming<Value>(_ body: () async throws -> Value) async throws -> Value {
        for _ in 1..<Self.maximumAttempts {
            do {
                return try await body()
            } catch is CapacitySearch.ClaimLost {
                continue
            }
        }
        do {
            return try await body()
        } catch is CapacitySearch.ClaimLost {
            throw MachineRefusal(.noCapacity, "Other requests took every place that was found; try again.")
        }
    }

    /// Replaces a machine's labels.
    ///
    /// - Returns: the machine with the new labels.
    /// - Throws: ``MachineRefusal`` with `notFound`.
    package func setLabels(
        _ labels: [String],
        of id: VirtualMachineID,
        in organization: OrganizationID
    ) async throws -> VirtualMachineRecord {
        try await database.transaction { transaction in
            guard try StoredMachine.lock(id, in: organization, transaction) != nil else {
                throw Self.notFound(id)
            }
            try transaction.execute(
                "DELETE FROM vm_label WHERE vm_id = \(id) AND label <> ALL (\(labels)::text[])"
            )
            try transaction.execute(
                """
                INSERT INTO vm_label (vm_id, label) SELECT \(id), label FROM unnest(\(labels)::text[]) AS label
                ON CONFLICT DO NOTHING
                """
            )
            guard let record = try VirtualMachineStore.records([id], transaction).first else {
                throw Self.notFound(id)
            }
            return record
        }
    }

    static func notFound(_ id: VirtualMachineID) -> MachineRefusal {
        MachineRefusal(.notFound, "VM \(id) does not exists.")
    }
}

/// What operations have to know of the node that a machine is on.
private struct NodeSituation {
    /// Nil when it is on none.
    let state: NodeRecord.State?
    private let drain: DrainPolicy?

    init(of machine: StoredMachine, _ transaction: Transaction) throws {
        let rows = try transaction.query("SELECT state, drain_policy FROM compute_node WHERE id = \(machine.nodeID)")
        state = try rows.first?["state"]
        drain = try rows.first?["drain_policy"]
    }

    /// - Throws: ``MachineRefusal`` with `conflict` while an operator has machines of the node stopped.
    func requireService(of machine: StoredMachine) throws(MachineRefusal) {
        guard drain == .stop else { return }
        throw MachineRefusal(
            .conflict,
            "VM \(machine.name) is on a node that the operator has taken out of service, with its disk; try again when the "
                + "node is back."
        )
    }
}
