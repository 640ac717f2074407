// SPDX-License-Identifier: Apache-2.0

import GantryModel
import Postgres

extension MachineLifecycle {
    /// Changes what is wanted of one machine: rows of its own, the raised generation, and the word to its node, in one
    /// transaction under the machine's lock.
    ///
    /// - Parameters:
    ///   - id: the machine.
    ///   - organization: whose it has to be.
    ///   - user: who asks.
    ///   - body: changes the rows and says what becomes of the machine; one that stays as it is is not written.
    /// - Returns: the machine afterwards, and what `body` found.
    /// - Throws: ``MachineRefusal`` with `notFound`, and what `body` throws.
    func change<Value: Sendable>(
        _ id: VirtualMachineID,
        in organization: OrganizationID,
        by user: UserID?,
        _ body: @escaping @Sendable (StoredMachine, Transaction) throws -> (MachineTransition, Value)
    ) async throws -> (VirtualMachineRecord, Value) {
        let limits = limits
        let (record, value, told) = try await database.transaction { transaction in
            guard let machine = try StoredMachine.lock(id, in: organization, transaction) else {
                throw Self.notFound(id)
            }
            let (transition, value) = try body(machine, transaction)
            let changed = transition.machine == machine ? [] : [transition]
            let writer = TransitionWriter(limits: limits)
            let results = try transaction.together(
                writer.statements(changed, node: machine.nodeID, user: user)
                    + VirtualMachineStore.statements(of: [machine.uuid])
            )
            guard let record = try VirtualMachineStore.records(results.suffix(2))[id] else { throw Self.notFound(id) }
            return (record, value, writer.tells(changed, node: machine.nodeID))
        }
        if told { outbox.raise() }
        return (record, value)
    }
}

extension StoredMachine {
    /// Why its phase does not allow something. While another operation is under way that is a conflict, which the
    /// request lost and may win later.
    ///
    /// - Parameters:
    ///   - requirement: what is to be done to it, and when that is allowed.
    ///   - nodeSilent: whether its node stopped reporting, which its status then says.
    /// - Returns: a refusal with `conflict` or `wrongState`.
    func refusal(_ requirement: String, nodeSilent: Bool = false) -> MachineRefusal {
        let status = MachineSituation(phase: phase, observed: observed, nodeSilent: nodeSilent).status.rawValue
        guard phase.isTransitional else {
            return MachineRefusal(.wrongState, "VM \(name) is \(status); \(requirement).")
        }
        guard phase != .deleting else {
            return MachineRefusal(.conflict, "VM \(name) is \(status); nothing else can be done to it.")
        }
        return MachineRefusal(.conflict, "VM \(name) is \(status); try again when that is done: \(requirement).")
    }

    /// What is asked of it in a state of rest.
    ///
    /// - Parameter participle: what is to be done to it, as the refusal names it.
    /// - Throws: ``MachineRefusal`` with `conflict` or `wrongState` unless it is ACTIVE or SHUTOFF.
    func requireRest(_ participle: String) throws(MachineRefusal) {
        try requireNoSnapshot()
        try requireNoMove()
        guard phase == .active || phase == .shutoff else {
            throw refusal("\(participle) when it is ACTIVE or SHUTOFF")
        }
    }

    /// - Throws: ``MachineRefusal`` with `conflict` while it is on its way from one node to another.
    func requireNoMove() throws(MachineRefusal) {
        guard isMoving else { return }
        let delay = fault.map { " \($0.message)" } ?? ""
        throw MachineRefusal(
            .conflict,
            "VM \(name) is being moved to another node by the operator; try again when that is done.\(delay)"
        )
    }

    /// - Throws: ``MachineRefusal`` with `wrongState` while its disk is being copied.
    func requireNoSnapshot() throws(MachineRefusal) {
        guard !isSnapshotting else {
            throw MachineRefusal(
                .wrongState,
                "VM \(id) is currently being used to create a snapshot and no operation can be performed."
            )
        }
    }
}
