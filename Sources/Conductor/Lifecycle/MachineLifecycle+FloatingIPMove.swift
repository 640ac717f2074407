// SPDX-License-Identifier: Apache-2.0

package import GantryModel
import Postgres

/// A floating IP that is on its way from one machine to another.
package struct FloatingIPMove: Sendable {
    /// The machine that gets it.
    package var machine: VirtualMachineRecord
    /// The name of the machine that has it.
    package var holder: String
    /// Whether the node that has to give it up has stopped reporting: then it stays there until that node is back.
    package var waitsForSilentNode: Bool

    /// A sentence for the tenant.
    package var message: String {
        let wait = waitsForSilentNode ? " That node has stopped reporting; the address stays until it is back." : ""
        return "Public IP \(machine.floatingIP?.description ?? "") of VM \(holder) will be assigned to VM "
            + "\(machine.name) once the node of VM \(holder) has given it up.\(wait)"
    }
}

extension MachineLifecycle {
    /// Has a floating IP go from the machine that has it to another one of the organization in its region.
    ///
    /// It is taken from the one at once, and given to the other when the node of the first has confirmed that it does not
    /// answer for it any more: no two nodes do at any time. Until then nobody else can be given it, and it waits as long as
    /// that node is silent. ``FloatingIPMover`` does the second half.
    ///
    /// - Parameters:
    ///   - address: the floating IP.
    ///   - id: the machine that is to have it.
    ///   - organization: whose both have to be.
    ///   - environments: where the machine that has it has to be, as far as the caller reaches; nil for anywhere.
    ///   - allowed: whether the caller knows that another machine loses it.
    ///   - user: who asks.
    /// - Returns: what is going on.
    /// - Throws: ``MachineRefusal`` with `notFound`, `conflict`, `wrongState` or `floatingIPInUse`; ``QuotaExceeded``.
    package func moveFloatingIP(
        _ address: IPv4Address,
        to id: VirtualMachineID,
        in organization: OrganizationID,
        reaching environments: [EnvironmentID]? = nil,
        allowed: Bool,
        by user: UserID?
    ) async throws -> FloatingIPMove {
        let limits = limits
        let move = try await database.transaction { transaction in
            let holding = try FloatingIPHolding.find(address, for: id, in: organization, environments, transaction)
            guard allowed || holding.machine == id else {
                throw MachineRefusal(
                    .floatingIPInUse,
                    "Floating IP \(address) is VM \(holding.name)'s; send allow_reassociation true to have it moved."
                )
            }
            let machines = try Self.lock([holding.machine, id], in: organization, transaction)
            guard let target = machines[id] else { throw Self.notFound(id) }
            guard let holder = machines[holding.machine] else { throw Self.movedMeanwhile(address) }
            let coming = try target.awaitingFloatingIP(address, from: holding)
            try Self.requireNoMove(to: target, transaction)
            let leaving = try holder.losingFloatingIP(address, to: target)
            if !holding.isSameEnvironment { try Self.checkQuota(of: id, transaction) }
            try Self.reserve(address, of: holding.machine, for: id, transaction)
            let statements = TransitionWriter(limits: limits)
                .statements([leaving, coming], node: holder.nodeID, user: user)
            _ = try transaction.together(statements)
            guard let record = try VirtualMachineStore.records([id], transaction).first else { throw Self.notFound(id) }
            return FloatingIPMove(machine: record, holder: holder.name, waitsForSilentNode: holding.nodeSilent)
        }
        outbox.raise()
        return move
    }

    /// - Throws: ``MachineRefusal`` with `conflict` while a floating IP is on its way to a machine.
    static func requireNoMove(to machine: StoredMachine, _ transaction: Transaction) throws {
        let rows = try transaction.query("SELECT address FROM floating_ip WHERE next_vm_id = \(machine.id)")
        guard let address: IPv4Address = try rows.first?["address"] else { return }
        throw MachineRefusal(.conflict, "VM \(machine.name) is being given floating IP \(address) already.")
    }

    /// Has the floating IP that is on its way to a machine not come there.
    ///
    /// - Returns: whether there was one.
    /// - Throws: `PostgresError`.
    static func cancelMove(to machine: StoredMachine, _ transaction: Transaction) throws -> Bool {
        try transaction.execute("UPDATE floating_ip SET next_vm_id = NULL WHERE next_vm_id = \(machine.id)") == 1
    }

    // MARK: - Parts

    /// Both machines, locked in the order of their ids.
    private static func lock(
        _ ids: [VirtualMachineID],
        in organization: OrganizationID,
        _ transaction: Transaction
    ) throws -> [VirtualMachineID: StoredMachine] {
        let rows = try transaction.query(
            """
            SELECT \(raw: StoredMachine.columns) FROM virtual_machine vm
            WHERE vm.id = ANY (\(ids)::bigint[]) AND vm.organization_id = \(organization) AND vm.deleted_at IS NULL
            ORDER BY vm.id FOR UPDATE
            """
        )
        return Dictionary(try rows.map { try StoredMachine($0) }.map { ($0.id, $0) }) { $1 }
    }

    /// Notes whose it will be. It is still the holder's, whose row is locked, or the caller was too late.
    private static func reserve(
        _ address: IPv4Address,
        of holder: VirtualMachineID,
        for id: VirtualMachineID,
        _ transaction: Transaction
    ) throws {
        let reserved = try transaction.execute(
            """
            UPDATE floating_ip SET next_vm_id = \(id)
            WHERE address = \(address)::inet AND vm_id = \(holder) AND next_vm_id IS NULL
            """
        )
        guard reserved == 1 else { throw movedMeanwhile(address) }
    }

    private static func movedMeanwhile(_ address: IPv4Address) -> MachineRefusal {
        MachineRefusal(
            .conflict,
            "Floating IP \(address) is on its way to another VM, or was given up just now; look whose it is, and try again."
        )
    }

    /// The organization has the address already; the environment gets one more.
    private static func checkQuota(of id: VirtualMachineID, _ transaction: Transaction) throws {
        guard var check = try QuotaCheck.more([.floatingIPs: 1], of: id, transaction) else { return }
        check.countsOrganization = false
        try check.run(transaction)
    }
}

/// Who has a floating IP that another machine is to get.
struct FloatingIPHolding {
    let machine: VirtualMachineID
    let name: String
    /// Whether the node that has to give it up has stopped reporting.
    let nodeSilent: Bool
    let isSameEnvironment: Bool

    /// Looks, without a lock.
    ///
    /// - Throws: ``MachineRefusal`` with `notFound`.
    static func find(
        _ address: IPv4Address,
        for id: VirtualMachineID,
        in organization: OrganizationID,
        _ environments: [EnvironmentID]?,
        _ transaction: Transaction
    ) throws -> FloatingIPHolding {
        let rows = try transaction.query(
            """
            SELECT r.name AS region, h.id, h.name, h.environment_id = vm.environment_id AS is_same,
                coalesce(n.state = 'silent', false) AS node_silent
            FROM virtual_machine vm JOIN environment e ON e.id = vm.environment_id JOIN region r ON r.id = e.region_id
                LEFT JOIN (floating_ip f JOIN floating_ip_pool p ON p.id = f.pool_id
                    JOIN virtual_machine h ON h.id = f.vm_id LEFT JOIN compute_node n ON n.id = h.node_id)
                    ON f.address = \(address)::inet AND p.region_id = r.id AND h.organization_id = vm.organization_id
                    AND (\(environments)::bigint[] IS NULL OR h.environment_id = ANY (\(environments)::bigint[]))
            WHERE vm.id = \(id) AND vm.organization_id = \(organization) AND vm.deleted_at IS NULL
            """
        )
        guard let row = rows.first else { throw MachineLifecycle.notFound(id) }
        guard let machine: VirtualMachineID = try row["id"] else {
            let region: String = try row["region"]
            throw MachineRefusal(
                .notFound,
                "None of your VMs in region \(region) has floating IP \(address); leave floating_ip out to be given a free "
                    + "one."
            )
        }
        return try FloatingIPHolding(
            machine: machine,
            name: row["name"],
            nodeSilent: row["node_silent"],
            isSameEnvironment: row["is_same"]
        )
    }
}

extension StoredMachine {
    /// The machine that is to get a floating IP once another one's node has given it up. Until then nothing is wanted of
    /// its own node.
    fileprivate func awaitingFloatingIP(
        _ address: IPv4Address,
        from holding: FloatingIPHolding
    ) throws(MachineRefusal) -> MachineTransition {
        try requireNoFloatingIP()
        var transition = MachineTransition(of: self)
        let wait = holding.nodeSilent ? " That node has stopped reporting." : ""
        transition.noteRequest(
            .attachFloatingIP,
            " \(address) comes from \(holding.name) once its node has given it up.\(wait)"
        )
        return transition
    }

    /// The machine whose floating IP another one is to get. One that gives it up already only has to go on.
    fileprivate func losingFloatingIP(
        _ address: IPv4Address,
        to other: StoredMachine
    ) throws(MachineRefusal) -> MachineTransition {
        var transition = MachineTransition(of: self)
        guard !detachesFloatingIP, phase != .deleting else { return transition }
        try requireNoSnapshot()
        guard !phase.isTransitional else {
            throw refusal("its floating IP can be moved when it is ACTIVE, SHUTOFF, HIBERNATED or ERROR")
        }
        transition.machine.giveUpFloatingIP()
        transition.raiseGeneration(above: generation)
        transition.noteRequest(.detachFloatingIP, " \(address) goes to \(other.name).")
        if nodeID == nil {
            transition.machine.detachesFloatingIP = false
            transition.freesFloatingIP = true
        }
        return transition
    }

    /// The machine to which a floating IP was on its way.
    func foregoingFloatingIP() -> MachineTransition {
        var transition = MachineTransition(of: self)
        transition.raiseGeneration(above: generation)
        transition.noteRequest(.detachFloatingIP)
        transition.events.append(
            MachineEvent(.normal, .floatingIPDetached, "No floating IP is on its way to \(name) any more.")
        )
        transition.notices.append(OperationNotice(.detachFloatingIP, .detached))
        return transition
    }
}
