// SPDX-License-Identifier: Apache-2.0

import GantryModel
import Postgres

/// The second half of a floating IP's move: what one machine's node has given up is given to the machine that waits for it.
/// Any conductor may do it at any time; one that dies before leaves it to any reconciler.
struct FloatingIPMover: Sendable {
    let database: Database
    let limits: PhaseTimeLimits
    let outbox: OutboxSignal

    private static let batch = 200
    /// Seconds after which a machine's history says why it waits.
    private static let patience = 60

    /// Gives out whatever was given up.
    func complete() async throws {
        let machines: [VirtualMachineID] = try await database.read { transaction in
            try transaction.query(
                """
                SELECT next_vm_id FROM floating_ip WHERE next_vm_id IS NOT NULL AND vm_id IS NULL
                ORDER BY next_vm_id LIMIT \(Self.batch)
                """
            )
            .map { try $0["next_vm_id"] }
        }
        for machine in machines { try await complete(machine) }
    }

    private func complete(_ id: VirtualMachineID) async throws {
        let limits = limits
        let told = try await database.transaction { transaction in
            let rows = try transaction.query(
                "SELECT \(raw: StoredMachine.columns) FROM virtual_machine vm WHERE vm.id = \(id) FOR UPDATE"
            )
            guard let machine = try rows.first.map({ try StoredMachine($0) }) else { return false }
            // One that is being deleted meanwhile leaves the address to everybody, as if it had had it.
            let owner = machine.desired == .absent ? nil : id
            let given = try transaction.execute(
                """
                UPDATE floating_ip SET vm_id = \(owner)::bigint, next_vm_id = NULL
                WHERE next_vm_id = \(id) AND vm_id IS NULL
                """
            )
            guard given == 1, owner != nil else { return false }
            var transition = MachineTransition(of: machine)
            transition.machine.takeFloatingIP()
            transition.raiseGeneration(above: machine.generation)
            return try TransitionWriter(limits: limits).write([transition], node: machine.nodeID, transaction)
        }
        if told { outbox.raise() }
    }

    /// Says in machines' histories, once a move, that a node has not given the address up yet.
    func tellDelays() async throws {
        _ = try await database.transaction { transaction in
            try transaction.execute(
                """
                WITH late AS MATERIALIZED (
                    SELECT address, vm_id, next_vm_id FROM floating_ip f
                    WHERE next_vm_id IS NOT NULL AND vm_id IS NOT NULL
                        AND updated_at < now() - make_interval(secs => \(Self.patience))
                        AND NOT EXISTS (SELECT FROM vm_event e WHERE e.vm_id = f.next_vm_id
                            AND e.reason = \(MachineEvent.Reason.floatingIPAttachDelayed) AND e.created_at > f.updated_at)
                    ORDER BY id LIMIT \(Self.batch) FOR UPDATE SKIP LOCKED
                )
                INSERT INTO vm_event (vm_id, organization_id, type, reason, message)
                SELECT vm.id, vm.organization_id, 'warning', \(MachineEvent.Reason.floatingIPAttachDelayed),
                    format('Floating IP %s is still that of %s, whose node has %s.', host(late.address), holder.name,
                        CASE WHEN n.state = 'silent' THEN 'stopped reporting' ELSE 'not given it up yet' END)
                FROM late JOIN virtual_machine vm ON vm.id = late.next_vm_id
                    JOIN virtual_machine holder ON holder.id = late.vm_id
                    LEFT JOIN compute_node n ON n.id = holder.node_id
                """
            )
        }
    }
}
