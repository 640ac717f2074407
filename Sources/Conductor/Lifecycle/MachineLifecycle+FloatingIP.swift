// SPDX-License-Identifier: Apache-2.0

package import GantryModel
import Postgres

extension MachineLifecycle {
    /// Claims a floating IP of the machine's region for it. It is ATTACHED once the machine's node has it.
    ///
    /// - Returns: the machine with the address.
    /// - Throws: ``MachineRefusal`` with `notFound`, `wrongState` or `noFloatingIP`.
    @discardableResult
    package func attachFloatingIP(
        to id: VirtualMachineID,
        in organization: OrganizationID,
        by user: UserID?
    ) async throws -> VirtualMachineRecord {
        try await change(id, in: organization, by: user) { machine, transaction in
            let transition = try machine.attachingFloatingIP()
            try QuotaCheck.more([.floatingIPs: 1], of: id, transaction)?.run(transaction)
            try Self.takeFloatingIP(for: id, transaction)
            return (transition, ())
        }
        .0
    }

    /// Takes a machine's floating IP away. The address is free for others only when the machine's node has confirmed that
    /// it does not answer for it any more.
    ///
    /// - Returns: the machine, which still shows the address.
    /// - Throws: ``MachineRefusal`` with `notFound` or `wrongState`.
    @discardableResult
    package func detachFloatingIP(
        from id: VirtualMachineID,
        in organization: OrganizationID,
        by user: UserID?
    ) async throws -> VirtualMachineRecord {
        try await change(id, in: organization, by: user) { machine, _ in
            (try machine.detachingFloatingIP(), ())
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
    /// The machine with a floating IP that its node does not have yet.
    package func attachingFloatingIP() throws(MachineRefusal) -> MachineTransition {
        try requireRest("a floating IP can be attached")
        guard !wantsFloatingIP else {
            throw MachineRefusal(.wrongState, "VM \(name) has a floating IP already; detach it first.")
        }
        guard !detachesFloatingIP else {
            throw MachineRefusal(
                .wrongState,
                "VM \(name) is still giving up its floating IP; attach one when it has NO FLOATING IP."
            )
        }
        return changingFloatingIP(.floatingIPAttachRequest, "Attach Floating IP") { machine in
            machine.wantsFloatingIP = true
        }
    }

    /// The machine without the floating IP that its node may still have.
    package func detachingFloatingIP() throws(MachineRefusal) -> MachineTransition {
        try requireRest("its floating IP can be detached")
        guard wantsFloatingIP else {
            let why = detachesFloatingIP ? "is giving up its floating IP already" : "has no floating IP to detach"
            throw MachineRefusal(.wrongState, "VM \(name) \(why).")
        }
        return changingFloatingIP(.floatingIPDetachRequest, "Detach Floating IP") { machine in
            machine.wantsFloatingIP = false
            machine.detachesFloatingIP = true
        }
    }

    private func changingFloatingIP(
        _ reason: MachineEvent.Reason,
        _ words: String,
        _ change: (inout StoredMachine) -> Void
    ) -> MachineTransition {
        var transition = MachineTransition(of: self)
        change(&transition.machine)
        transition.machine.floatingIPWired = false
        transition.raiseGeneration(above: generation)
        transition.events.append(MachineEvent(.normal, reason, "Instance \(name) \(words) Request Sent."))
        return transition
    }
}
