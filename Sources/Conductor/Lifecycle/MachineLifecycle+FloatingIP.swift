// SPDX-License-Identifier: Apache-2.0

package import GantryModel
import Postgres

extension MachineLifecycle {
    /// Claims a floating IP of the machine's region for it. It is ATTACHED once the machine's node has it.
    ///
    /// - Returns: the machine with the address.
    /// - Throws: ``MachineRefusal`` with `notFound`, `conflict`, `wrongState` or `noFloatingIP`.
    @discardableResult
    package func attachFloatingIP(
        to id: VirtualMachineID,
        in organization: OrganizationID,
        by user: UserID?
    ) async throws -> VirtualMachineRecord {
        try await change(id, in: organization, by: user) { machine, transaction in
            let transition = try machine.attachingFloatingIP()
            try Self.requireNoMove(to: machine, transaction)
            try QuotaCheck.more([.floatingIPs: 1], of: id, transaction)?.run(transaction)
            try Self.takeFloatingIP(for: id, transaction)
            return (transition, ())
        }
        .0
    }

    /// Takes a machine's floating IP away. The address is free for others only when the machine's node has confirmed that
    /// it does not answer for it any more. One that was to move to the machine does not.
    ///
    /// - Returns: the machine, which still shows the address.
    /// - Throws: ``MachineRefusal`` with `notFound`, `conflict` or `wrongState`.
    @discardableResult
    package func detachFloatingIP(
        from id: VirtualMachineID,
        in organization: OrganizationID,
        by user: UserID?
    ) async throws -> VirtualMachineRecord {
        try await change(id, in: organization, by: user) { machine, transaction in
            if try Self.cancelMove(to: machine, transaction) { return (machine.foregoingFloatingIP(), ()) }
            return (try machine.detachingFloatingIP(), ())
        }
        .0
    }

    /// Claims a floating IP for a machine that has none.
    ///
    /// - Throws: ``MachineRefusal`` with `noFloatingIP`.
    static func takeFloatingIP(for id: VirtualMachineID, _ transaction: Transaction) throws {
        guard try transaction.execute(claimFloatingIP(for: id)) == 1 else {
            throw try noFloatingIP(for: id, transaction)
        }
    }

    /// The address of the machine's region that has been free the longest, of the first pool that has any.
    private static func claimFloatingIP(for id: VirtualMachineID) -> SQL {
        """
        WITH free AS MATERIALIZED (
            SELECT f.id FROM (
                SELECT p.id FROM virtual_machine vm JOIN environment e ON e.id = vm.environment_id
                    JOIN floating_ip_pool p ON p.region_id = e.region_id
                WHERE vm.id = \(id) ORDER BY p.id
            ) AS pool, \(raw: AddressStore.firstFreeFloatingIP)
        )
        UPDATE floating_ip a SET vm_id = \(id) FROM free WHERE a.id = free.id
        """
    }

    private static func noFloatingIP(
        for id: VirtualMachineID,
        _ transaction: Transaction
    ) throws -> MachineRefusal {
        let rows = try transaction.query(
            """
            SELECT r.name FROM virtual_machine vm JOIN environment e ON e.id = vm.environment_id
                JOIN region r ON r.id = e.region_id
            WHERE vm.id = \(id)
            """
        )
        let region: String = try rows.first?["name"] ?? ""
        return MachineRefusal(
            .noFloatingIP,
            "Region \(region) has no free floating IP; detach or delete one that is not needed, and try again."
        )
    }
}

extension StoredMachine {
    /// Wants a floating IP that its node does not have yet.
    mutating func takeFloatingIP() {
        (wantsFloatingIP, attachesFloatingIP, floatingIPWired) = (true, true, false)
    }

    /// Wants none any more, which its node has to confirm before the address is free.
    mutating func giveUpFloatingIP() {
        (wantsFloatingIP, attachesFloatingIP, floatingIPWired) = (false, false, false)
        detachesFloatingIP = true
    }

    /// The machine with a floating IP that its node does not have yet.
    package func attachingFloatingIP() throws(MachineRefusal) -> MachineTransition {
        try requireNoFloatingIP()
        var transition = MachineTransition(of: self)
        transition.machine.takeFloatingIP()
        transition.raiseGeneration(above: generation)
        transition.noteRequest(.attachFloatingIP)
        return transition
    }

    /// The machine without the floating IP that its node may still have.
    package func detachingFloatingIP() throws(MachineRefusal) -> MachineTransition {
        try requireRest("its floating IP can be detached")
        guard !detachesFloatingIP else {
            throw MachineRefusal(.conflict, "VM \(name) is giving up its floating IP already.")
        }
        guard wantsFloatingIP else {
            throw MachineRefusal(.wrongState, "VM \(name) has no floating IP to detach.")
        }
        var transition = MachineTransition(of: self)
        transition.machine.giveUpFloatingIP()
        transition.raiseGeneration(above: generation)
        transition.noteRequest(.detachFloatingIP)
        return transition
    }

    /// - Throws: ``MachineRefusal`` with `conflict` or `wrongState` unless it can be given a floating IP.
    func requireNoFloatingIP() throws(MachineRefusal) {
        try requireRest("a floating IP can be attached")
        guard !attachesFloatingIP else {
            throw MachineRefusal(.conflict, "VM \(name) is being given a floating IP already.")
        }
        guard !wantsFloatingIP else {
            throw MachineRefusal(.wrongState, "VM \(name) has a floating IP already; detach it first.")
        }
        guard !detachesFloatingIP else {
            throw MachineRefusal(
                .conflict,
                "VM \(name) is still giving up its floating IP; attach one when it has NO FLOATING IP."
            )
        }
    }
}

extension MachineTransition {
    /// Tells history and callbacks that a floating IP is to come or go.
    ///
    /// - Parameters:
    ///   - operation: which of both.
    ///   - detail: what else there is to say.
    mutating func noteRequest(_ operation: CallbackOperation, _ detail: String = "") {
        let attaches = operation == .attachFloatingIP
        events.append(
            MachineEvent(
                .normal,
                attaches ? .floatingIPAttachRequest : .floatingIPDetachRequest,
                "Instance \(machine.name) \(attaches ? "Attach" : "Detach") Floating IP Request Sent.\(detail)"
            )
        )
        notices.append(OperationNotice(operation, attaches ? .attaching : .detaching))
    }
}
