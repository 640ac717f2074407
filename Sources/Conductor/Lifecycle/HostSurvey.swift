// SPDX-License-Identifier: Apache-2.0

import GantryModel
import GantryProtocol
import Postgres

/// What a host says at the begin of a session that it holds, weighed against what the database knows of it.
///
/// Machines that the database does not have on this node become orphans: what they hold of the node is nobody else's from
/// then on, and after a restore of the database their addresses too. At other times a host's word reaches no further than
/// its node, whoever has its key or rolled its files back.
///
/// After a restore, a machine that was on the node and that its host no longer has is an error and is not built anew, since
/// a disk without its data would look like it. All of it is in the transaction that lets machines onto the node.
struct HostSurvey {
    /// Why a host is looked at.
    enum Reason {
        /// Its agent began a session, as it does at each start.
        case session
        /// Its agent says that it had later sessions than the database knows, of which no conductor knows more.
        case behind
        /// It is the first session since the database was restored.
        case restored
        /// It is, and the region waited for it.
        case awaited

        /// Whether what the host says may change what is not its node's.
        var reachesOthers: Bool { self == .restored || self == .awaited }
    }

    let request: NodeSessionRequest
    let node: NodeIdentity
    let reason: Reason
    let transaction: Transaction

    /// Locks the machines that may change, before the node.
    static func lockMachines(_ request: NodeSessionRequest, on node: NodeID) -> SQL {
        """
        SELECT FROM virtual_machine WHERE deleted_at IS NULL AND (
            node_id = \(node) AND EXISTS (SELECT FROM compute_node n WHERE n.id = \(node)
                AND (n.unsurveyed OR n.epoch < \(request.lastEpoch ?? 0)))
            OR node_id IS DISTINCT FROM \(node) AND (uuid = ANY (\(request.machines.map(\.uuid))::uuid[])
                OR EXISTS (SELECT FROM compute_node n WHERE n.id = \(node) AND n.unsurveyed)
                    AND id IN (SELECT vm_id FROM floating_ip
                        WHERE address = ANY (\(request.machines.compactMap(\.network?.floatingIP))::inet[]))))
        ORDER BY id FOR UPDATE
        """
    }

    /// Writes down what differs.
    ///
    /// - Returns: what the host has to take down, and the machines that nobody knew of before.
    func run() throws -> (abandoned: [MachineTask], orphans: [MachineUUID]) {
        if reason != .session {
            let (running, off) = (request.machines.filter(\.isRunning), request.machines.filter { !$0.isRunning })
            // The host came back since, and was given them again.
            try transaction.execute(AbandonedMachines.forgive(running.map(\.uuid), node.id))
            try letGo(off.map(\.uuid))
        }
        let abandoned = try AbandonedMachines.tasks(of: node, transaction)
        let rows = try transaction.query(
            """
            SELECT uuid FROM virtual_machine
            WHERE node_id = \(node.id) AND uuid = ANY (\(request.machines.map(\.uuid))::uuid[])
            """
        )
        let own: Set<MachineUUID> = Set(try rows.map { try $0["uuid"] })
        if reason != .session {
            try missMachines()
        }
        if reason.reachesOthers {
            try keepFloatingIPs(of: request.machines.filter { own.contains($0.uuid) })
        }
        let known = own.union(abandoned.map(\.uuid))
        let strangers = request.machines.filter { !known.contains($0.uuid) }
        if reason == .awaited { try missMachinesElsewhere(strangers.filter(\.isRunning).map(\.uuid)) }
        let orphans = try OrphanStore.add(strangers, on: node.id, takingAddresses: reason.reachesOthers, transaction)
        return (abandoned, orphans)
    }

    /// Machines that are off here, have nothing on this host's own disk, and run on another by now or may: before this one
    /// starts any it lets go of them, and is told of them again when that is settled.
    private func letGo(_ machines: [MachineUUID]) throws {
        let rows = try transaction.query(
            """
            SELECT \(raw: StoredMachine.columns)
            FROM virtual_machine vm JOIN compute_node n ON n.id = vm.node_id
            WHERE n.id = \(node.id) AND vm.uuid = ANY (\(machines)::uuid[]) AND vm.desired <> 'absent' AND NOT vm.evicting
                AND (EXISTS (SELECT FROM orphan o WHERE o.uuid = vm.uuid AND o.node_id <> n.id)
                    OR EXISTS (SELECT FROM compute_node w WHERE w.region_id = n.region_id AND w.awaited))
            ORDER BY vm.id
            """
        )
        var machines = try rows.map { try StoredMachine($0) }.filter { $0.localState == nil }
        for index in machines.indices { machines[index].generation = machines[index].generation.next }
        _ = try transaction.together([
            AbandonedMachines.note(machines, on: node.id),
            "UPDATE virtual_machine SET generation = generation + 2 WHERE id = ANY (\(machines.map(\.id))::bigint[])",
        ])
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
        try miss(rows) { machine in
            let disk = machine.localState == nil ? "its volumes" : "an empty disk"
            return
                "the node no longer has this machine: it was deleted or moved since. Delete it, or have it built anew "
                + "with \(disk) by a hard reboot."
        }
    }

    /// Machines that run here and are another node's for the database, which does not have them any more.
    private func missMachinesElsewhere(_ machines: [MachineUUID]) throws {
        let rows = try transaction.query(
            """
            SELECT \(raw: StoredMachine.columns) FROM virtual_machine vm
            WHERE vm.uuid = ANY (\(machines)::uuid[]) AND vm.node_id IS DISTINCT FROM \(node.id) AND vm.desired <> 'absent'
            ORDER BY vm.id
            """
        )
        try miss(rows) { _ in
            "this machine moved to another node since, where it still runs. When an operator has removed that copy, delete "
                + "it, or have it started by a hard reboot."
        }
    }

    private func miss(_ rows: [Row], _ consequence: (StoredMachine) -> String) throws {
        let transitions = try rows.map { row in
            let machine = try StoredMachine(row)
            return machine.missing("The cloud's database was restored from a backup, and " + consequence(machine))
        }
        // The nodes are not told: they have nothing to do.
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
    /// The machine when its host, after the database was restored, does not have it any more.
    fileprivate func missing(_ text: String) -> MachineTransition {
        var transition = MachineTransition(of: self)
        transition.follow(.missing)
        let fault = Fault(.machineMissing, text)
        (transition.machine.fault, transition.machine.observed) = (fault, .absent)
        (transition.machine.activity, transition.machine.floatingIPWired) = (nil, false)
        transition.events.append(MachineEvent(.warning, .failed, fault.message))
        return transition
    }
}
