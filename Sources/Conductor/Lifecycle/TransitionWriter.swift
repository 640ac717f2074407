// SPDX-License-Identifier: Apache-2.0

import GantryModel
import GantryProtocol
import Postgres

/// Writes what became of machines whose rows the transaction has locked: a statement each, all in one round trip.
struct TransitionWriter {
    let limits: PhaseTimeLimits

    /// Runs ``statements(_:node:user:)``.
    ///
    /// - Returns: whether the outbox has something new.
    @discardableResult
    func write(_ transitions: [MachineTransition], node: NodeID?, _ transaction: Transaction) throws -> Bool {
        guard !transitions.isEmpty else { return false }
        _ = try transaction.together(statements(transitions, node: node))
        return tells(transitions, node: node)
    }

    /// What writes the transitions, none of which needs the answer of another.
    ///
    /// - Parameters:
    ///   - transitions: of different machines.
    ///   - node: where all of those are, or were, that leave it or have to be told of.
    ///   - user: who asked; nil when it happened by itself.
    /// - Returns: none when there are no transitions.
    func statements(_ transitions: [MachineTransition], node: NodeID?, user: UserID? = nil) -> [SQL] {
        guard !transitions.isEmpty else { return [] }
        var statements = transitions.map(update)
        if let history = history(transitions, user) { statements.append(history) }
        let freed = transitions.filter(\.freesFloatingIP).map(\.machine.id)
        if !freed.isEmpty {
            statements.append("UPDATE floating_ip SET vm_id = NULL WHERE vm_id = ANY (\(freed)::bigint[])")
        }
        let settled = transitions.filter(\.settlesVolumes).map(\.machine.id)
        if !settled.isEmpty { statements.append(VolumeSettlement.settle(settled)) }
        let resting = transitions.filter(\.releasesCompute).map(\.machine.id)
        if !resting.isEmpty { statements.append(releaseCompute(of: resting, node)) }
        let left = transitions.filter(\.leavesNode).map(\.machine.id)
        let gone = transitions.filter { $0.machine.phase == .deleted }.map(\.machine.id)
        if !gone.isEmpty { statements.append(VolumeSettlement.release(gone)) }
        if !left.isEmpty || !gone.isEmpty {
            statements.append(release(left: left, gone: gone, node))
        }
        let abandoned = transitions.filter(\.abandonsNode).map(\.machine)
        if let node, !abandoned.isEmpty { statements.append(AbandonedMachines.note(abandoned, on: node)) }
        let told = transitions.filter(\.tellsNode).map(\.machine.id)
        if let node, !told.isEmpty {
            statements.append(
                """
                WITH task AS (
                    INSERT INTO task_outbox (node_id, vm_id, request_id)
                    SELECT \(node), id, \(RequestID.current)::text FROM unnest(\(told)::bigint[]) AS id
                )
                UPDATE compute_node SET revision = revision + 1 WHERE id = \(node)
                """
            )
        }
        let callingBack = transitions.filter(\.machine.callsBack)
        if !callingBack.isEmpty { statements.append(StatusCallback.afterTransitions(callingBack)) }
        return statements + outcomes(transitions)
    }

    /// What came of operations that leave machines' status as it is, after the status itself.
    private func outcomes(_ transitions: [MachineTransition]) -> [SQL] {
        var statements: [SQL] = []
        let settled = transitions.filter(\.settlesRules).map(\.machine.id)
        if !settled.isEmpty { statements.append(SecurityRuleSettlement.settle(settled)) }
        let failed = transitions.compactMap { transition in
            transition.rulesFault.map { (machine: transition.machine.id, fault: $0) }
        }
        if !failed.isEmpty { statements.append(SecurityRuleSettlement.fail(failed)) }
        let notices = transitions.filter(\.machine.callsBack)
            .flatMap { transition in transition.notices.map { (machine: transition.machine.id, notice: $0) } }
        if !notices.isEmpty { statements.append(OperationCallback.tell(notices)) }
        return statements
    }

    /// Whether writing the transitions leaves something new in the outbox.
    func tells(_ transitions: [MachineTransition], node: NodeID?) -> Bool {
        node != nil && transitions.contains(where: \.tellsNode)
    }

    private func update(_ transition: MachineTransition) -> SQL {
        let (machine, enters) = (transition.machine, transition.entersPhase)
        let limit = limits.limit(of: machine.phase)?.seconds
        let perMiB = limits.perMiB(of: machine.phase).seconds
        return """
            UPDATE virtual_machine
            SET phase = \(machine.phase), desired = \(machine.desired), generation = \(machine.generation),
                boot_counter = \(machine.bootCounter), node_id = \(machine.nodeID), evicting = \(machine.evicting),
                tried_nodes = \(machine.triedNodes), starts_elsewhere = \(machine.startsElsewhere),
                applied_generation = \(machine.appliedGeneration),
                observed_power = \(machine.observed), assign_floating_ip = \(machine.wantsFloatingIP),
                floating_ip_wired = \(machine.floatingIPWired), floating_ip_attaching = \(machine.attachesFloatingIP),
                floating_ip_detaching = \(machine.detachesFloatingIP),
                floating_ip_on_restore = \(machine.restoresFloatingIP), holds_compute = \(machine.holdsCompute),
                volumes_changing = \(machine.changesVolumes), rules_changing = \(machine.changesRules),
                activity_step = \(machine.activity?.step), activity_percent = \(machine.activity?.percent),
                fault_code = \(machine.fault?.code), fault_message = \(machine.fault?.message),
                phase_since = CASE WHEN \(enters)::boolean THEN now() ELSE phase_since END,
                resent_at = CASE WHEN \(enters)::boolean THEN NULL ELSE resent_at END,
                deadline_at = CASE WHEN \(enters)::boolean THEN now() + make_interval(
                        secs => \(limit)::double precision + memory_mib * \(perMiB)::double precision)
                    WHEN \(transition.stopsClock)::boolean THEN NULL ELSE deadline_at END,
                deleted_at = CASE WHEN \(machine.phase == .deleted)::boolean THEN now() END
            WHERE id = \(machine.id)
            """
    }

    private func history(_ transitions: [MachineTransition], _ user: UserID?) -> SQL? {
        let events = transitions.flatMap { transition in
            transition.events.map { (machine: transition.machine, event: $0) }
        }
        guard !events.isEmpty else { return nil }
        return """
            INSERT INTO vm_event (vm_id, organization_id, user_id, type, reason, message)
            SELECT e.vm_id, e.organization_id, \(user)::bigint, e.type, e.reason, e.message
            FROM unnest(\(events.map(\.machine.id))::bigint[], \(events.map(\.machine.organizationID))::bigint[],
                \(events.map(\.event.kind))::text[], \(events.map(\.event.reason))::text[],
                \(events.map(\.event.message))::text[]) AS e (vm_id, organization_id, type, reason, message)
            """
    }

    /// Gives back what the machines in `left` held of the node, and the addresses and metrics of those in `gone`.
    private func release(left: [VirtualMachineID], gone: [VirtualMachineID], _ node: NodeID?) -> SQL {
        """
        WITH private AS (
            UPDATE private_address SET vm_id = NULL WHERE vm_id = ANY (\(gone)::bigint[])
        ), floating AS (
            UPDATE floating_ip SET vm_id = CASE WHEN vm_id = ANY (\(gone)::bigint[]) THEN NULL ELSE vm_id END,
                next_vm_id = CASE WHEN next_vm_id = ANY (\(gone)::bigint[]) THEN NULL ELSE next_vm_id END
            WHERE vm_id = ANY (\(gone)::bigint[]) OR next_vm_id = ANY (\(gone)::bigint[])
        ), metrics AS (
            DELETE FROM vm_metric WHERE vm_id = ANY (\(gone)::bigint[])
        ), gpus AS (
            UPDATE gpu_device SET state = 'sanitizing', vm_id = NULL, reason = NULL
            WHERE vm_id = ANY (\(left)::bigint[])
        ), held AS (
            SELECT coalesce(sum(vcpus) FILTER (WHERE holds_compute), 0) AS vcpus,
                coalesce(sum(memory_mib) FILTER (WHERE holds_compute), 0) AS memory_mib, sum(disk_gib) AS disk_gib
            FROM virtual_machine WHERE id = ANY (\(left)::bigint[])
        )
        UPDATE compute_node n
        SET allocated_vcpus = n.allocated_vcpus - held.vcpus,
            allocated_memory_mib = n.allocated_memory_mib - held.memory_mib,
            allocated_disk_gib = n.allocated_disk_gib - held.disk_gib,
            shrunk = n.shrunk AND (n.allocated_vcpus - held.vcpus > n.limit_vcpus
                OR n.allocated_memory_mib - held.memory_mib > n.limit_memory_mib
                OR n.allocated_disk_gib - held.disk_gib > n.limit_disk_gib),
            revision = n.revision + 1
        FROM held WHERE n.id = \(node)::bigint AND held.disk_gib IS NOT NULL
        """
    }

    /// Gives back the vCPUs, memory and GPUs of machines that keep their disks on the node.
    private func releaseCompute(of machines: [VirtualMachineID], _ node: NodeID?) -> SQL {
        """
        WITH gpus AS (
            UPDATE gpu_device SET state = 'sanitizing', vm_id = NULL, reason = NULL
            WHERE vm_id = ANY (\(machines)::bigint[])
        ), held AS (
            SELECT sum(vcpus) AS vcpus, sum(memory_mib) AS memory_mib
            FROM virtual_machine WHERE id = ANY (\(machines)::bigint[])
        )
        UPDATE compute_node n
        SET allocated_vcpus = n.allocated_vcpus - held.vcpus,
            allocated_memory_mib = n.allocated_memory_mib - held.memory_mib,
            shrunk = n.shrunk AND (n.allocated_vcpus - held.vcpus > n.limit_vcpus
                OR n.allocated_memory_mib - held.memory_mib > n.limit_memory_mib
                OR n.allocated_disk_gib > n.limit_disk_gib),
            revision = n.revision + 1
        FROM held WHERE n.id = \(node)::bigint
        """
    }
}
