// SPDX-License-Identifier: Apache-2.0

import GantryModel
import GantryProtocol
import Postgres

/// Writes what became of machines whose rows the transaction has locked: three statements at most, however many.
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
        var statements = [update(transitions, user)]
        let left = transitions.filter(\.leavesNode).map(\.machine.id)
        let gone = transitions.filter { $0.machine.phase == .deleted }.map(\.machine.id)
        if !left.isEmpty || !gone.isEmpty {
            statements.append(release(left: left, gone: gone, node))
        }
        let told = transitions.filter(\.tellsNode).map(\.machine.id)
        if let node, !told.isEmpty {
            statements.append(
                """
                WITH task AS (
                    INSERT INTO task_outbox (node_id, vm_id) SELECT \(node), id FROM unnest(\(told)::bigint[]) AS id
                )
                UPDATE compute_node SET revision = revision + 1 WHERE id = \(node)
                """
            )
        }
        return statements
    }

    /// Whether writing the transitions leaves something new in the outbox.
    func tells(_ transitions: [MachineTransition], node: NodeID?) -> Bool {
        node != nil && transitions.contains(where: \.tellsNode)
    }

    private func update(_ transitions: [MachineTransition], _ user: UserID?) -> SQL {
        let machines = transitions.map(\.machine)
        let events = transitions.flatMap { transition in
            transition.events.map { (machine: transition.machine, event: $0) }
        }
        return """
            WITH event AS (
                INSERT INTO vm_event (vm_id, organization_id, user_id, type, reason, message)
                SELECT e.vm_id, e.organization_id, \(user)::bigint, e.type, e.reason, e.message
                FROM unnest(\(events.map(\.machine.id))::bigint[], \(events.map(\.machine.organizationID))::bigint[],
                    \(events.map(\.event.kind))::text[], \(events.map(\.event.reason))::text[],
                    \(events.map(\.event.message))::text[]) AS e (vm_id, organization_id, type, reason, message)
            )
            UPDATE virtual_machine vm
            SET phase = c.phase, desired = c.desired, generation = c.generation, boot_counter = c.boot_counter,
                node_id = c.node_id, evicting = c.evicting, tried_nodes = c.tried_nodes::bigint[],
                applied_generation = c.applied_generation, observed_power = c.observed_power,
                floating_ip_wired = c.floating_ip_wired, activity_step = c.activity_step,
                activity_percent = c.activity_percent, fault_code = c.fault_code, fault_message = c.fault_message,
                phase_since = CASE WHEN c.enters THEN now() ELSE vm.phase_since END,
                resent_at = CASE WHEN c.enters THEN NULL ELSE vm.resent_at END,
                deadline_at = CASE WHEN c.enters THEN now() + make_interval(secs => c.seconds)
                    WHEN c.stops THEN NULL ELSE vm.deadline_at END,
                deleted_at = CASE WHEN c.phase = 'deleted' THEN now() END
            FROM unnest(\(machines.map(\.id))::bigint[], \(machines.map(\.phase))::text[],
                \(machines.map(\.desired))::text[], \(machines.map(\.generation))::bigint[],
                \(machines.map(\.bootCounter))::integer[], \(machines.map(\.nodeID))::bigint[],
                \(machines.map(\.evicting))::boolean[], \(machines.map { "{\($0.triedNodes.list)}" })::text[],
                \(machines.map(\.appliedGeneration))::bigint[], \(machines.map(\.observed))::text[],
                \(machines.map(\.floatingIPWired))::boolean[], \(machines.map(\.activity?.step))::text[],
                \(machines.map(\.activity?.percent))::integer[], \(machines.map(\.fault?.code))::text[],
                \(machines.map(\.fault?.message))::text[], \(transitions.map(\.entersPhase))::boolean[],
                \(transitions.map(\.stopsClock))::boolean[],
                \(machines.map { limits.limit(of: $0.phase)?.seconds })::double precision[])
                AS c (id, phase, desired, generation, boot_counter, node_id, evicting, tried_nodes, applied_generation,
                    observed_power, floating_ip_wired, activity_step, activity_percent, fault_code, fault_message,
                    enters, stops, seconds)
            WHERE vm.id = c.id
            """
    }

    /// Gives back what the machines in `left` held of the node, and the addresses of those in `gone`.
    private func release(left: [VirtualMachineID], gone: [VirtualMachineID], _ node: NodeID?) -> SQL {
        """
        WITH private AS (
            UPDATE private_address SET vm_id = NULL WHERE vm_id = ANY (\(gone)::bigint[])
        ), floating AS (
            UPDATE floating_ip SET vm_id = NULL WHERE vm_id = ANY (\(gone)::bigint[])
        ), gpus AS (
            UPDATE gpu_device SET state = 'sanitizing', vm_id = NULL, reason = NULL
            WHERE vm_id = ANY (\(left)::bigint[])
        ), held AS (
            SELECT sum(vcpus) AS vcpus, sum(memory_mib) AS memory_mib, sum(disk_gib) AS disk_gib
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
        FROM held WHERE n.id = \(node)::bigint AND held.vcpus IS NOT NULL
        """
    }
}

extension [NodeID] {
    /// The ids with commas between.
    fileprivate var list: String { map(\.description).joined(separator: ",") }
}
