// SPDX-License-Identifier: Apache-2.0

import GantryModel
import GantryProtocol
import Postgres

/// What a host says at the begin of a session that it holds, weighed against what the database knows of it.
///
/// Machines that the database does not have on this node become orphans: what they hold is nobody else's from then on.
/// After a restore, a machine that was on the node and that its host no longer has is an error and is not built anew, since
/// a disk without its data would look like it. All of it is in the transaction that lets machines onto the node.
struct HostSurvey {
    let request: NodeSessionRequest
    let node: NodeIdentity
    /// Whether it is the first since the database was restored.
    let isRestored: Bool
    /// What the host is told to take down, and may still have.
    let abandoned: Set<MachineUUID>
    let transaction: Transaction

    /// Locks the machines that may change, before the node.
    static func lockMachines(_ request: NodeSessionRequest, on node: NodeID) -> SQL {
        """
        SELECT FROM virtual_machine WHERE deleted_at IS NULL AND (
            node_id = \(node) AND EXISTS (SELECT FROM compute_node n WHERE n.id = \(node)
                AND (n.unsurveyed OR n.epoch < \(request.lastEpoch ?? 0)))
            OR node_id IS DISTINCT FROM \(node) AND id IN (SELECT vm_id FROM floating_ip
                WHERE address = ANY (\(request.machines.compactMap(\.network?.floatingIP))::inet[])))
        ORDER BY id FOR UPDATE
        """
    }

    /// Writes down what differs.
    ///
    /// - Returns: the machines that nobody knew of before.
    func run() throws -> [MachineUUID] {
        let rows = try transaction.query(
            """
            SELECT uuid FROM virtual_machine
            WHERE node_id = \(node.id) AND uuid = ANY (\(request.machines.map(\.uuid))::uuid[])
            """
        )
        let own: Set<MachineUUID> = Set(try rows.map { try $0["uuid"] })
        if isRestored {
            try missMachines()
            try keepFloatingIPs(of: request.machines.filter { own.contains($0.uuid) })
        }
        let strangers = request.machines.filter { !own.contains($0.uuid) && !abandoned.contains($0.uuid) }
        return try OrphanStore.add(strangers, on: node.id, transaction)
    }

    /// Machines that were built here, or that were here last and are gone: their host no longer has them.
    private func missMachines() throws {
        let rows = try transaction.query(
            """
            SELECT \(raw: StoredMachine.columns) FROM virtual_machine vm
            WHERE vm.node_id = \(node.id) AND vm.desired <> 'absent' AND NOT vm.evicting
                AND vm.uuid <> ALL (\(request.machines.map(\.uuid))::uuid[])
                AND (vm.applied_generation > 0 OR vm.uuid = ANY (\(request.removedMachines)::uuid[]))
            ORDER BY vm.id
            """
        )
        let transitions = try rows.map { try StoredMachine($0).missing }
        // The node is not told: it has nothing to do.
        try TransitionWriter(limits: PhaseTimeLimits()).write(transitions, node: nil, transaction)
    }

    /// Machines that were given a floating IP in the time that is lost have it until they do without, as if it had just
    /// been taken away.
    private func keepFloatingIPs(of machines: [HostedMachine]) throws {
        let serving = machines.filter { $0.network?.floatingIP != nil }
        guard !serving.isEmpty else { return }
        try transaction.execute(
            """
            WITH kept AS (
                UPDATE floating_ip f SET vm_id = vm.id
                FROM unnest(\(serving.map(\.uuid))::uuid[], \(serving.compactMap(\.network?.floatingIP))::inet[])
                    AS host (uuid, address) JOIN virtual_machine vm ON vm.uuid = host.uuid
                WHERE f.address = host.address AND f.vm_id IS NULL AND f.next_vm_id IS NULL AND f.orphan_id IS NULL
                    AND NOT vm.assign_floating_ip AND NOT vm.floating_ip_detaching RETURNING f.vm_id
            )
            UPDATE virtual_machine vm SET floating_ip_detaching = true FROM kept WHERE vm.id = kept.vm_id
            """
        )
    }
}

extension StoredMachine {
    /// The machine when its host says, after the database was restored, that it does not have it.
    fileprivate var missing: MachineTransition {
        var transition = MachineTransition(of: self)
        transition.follow(.missing)
        let fault = Fault(
            .machineMissing,
            "The cloud's database was restored from a backup, and the node no longer has this machine: it was deleted since. "
                + "Delete it, or have it built anew with an empty disk by a hard reboot."
        )
        (transition.machine.fault, transition.machine.observed) = (fault, .absent)
        (transition.machine.activity, transition.machine.floatingIPWired) = (nil, false)
        transition.events.append(MachineEvent(.warning, .failed, fault.message))
        return transition
    }
}
