// SPDX-License-Identifier: Apache-2.0

import GantryModel
import Postgres

/// The part of a transaction that makes firewalls' changes reach machines: locks them by id, and raises the generation
/// of all of them with a handful of statements, however many they are.
struct FirewallChange {
    let organization: OrganizationID
    let user: UserID?
    let transaction: Transaction

    /// A machine whose row is locked.
    struct Machine {
        let stored: StoredMachine
        let environment: EnvironmentID
        /// How many firewalls it has.
        let firewalls: Int

        var id: VirtualMachineID { stored.id }
    }

    /// Locks machines in the order of their ids.
    ///
    /// - Throws: ``MachineRefusal`` with `notFound` when one is not the organization's.
    func lock(_ ids: [VirtualMachineID]) throws -> [Machine] {
        let rows = try transaction.query(
            """
            SELECT \(raw: StoredMachine.columns), vm.environment_id,
                (SELECT count(*) FROM firewall_attachment a WHERE a.vm_id = vm.id) AS firewalls
            FROM virtual_machine vm
            WHERE vm.id = ANY (\(ids)::bigint[]) AND vm.organization_id = \(organization) AND vm.deleted_at IS NULL
            ORDER BY vm.id FOR UPDATE
            """
        )
        let found = try rows.map {
            try Machine(stored: StoredMachine($0), environment: $0["environment_id"], firewalls: $0["firewalls"])
        }
        if let missing = Set(ids).subtracting(found.map(\.id)).min() { throw MachineLifecycle.notFound(missing) }
        return found
    }

    /// The machines that have a locked firewall.
    func machines(of firewall: FirewallID) throws -> [VirtualMachineID] {
        try transaction.query(
            """
            SELECT vm.id FROM firewall_attachment a JOIN virtual_machine vm ON vm.id = a.vm_id
            WHERE a.firewall_id = \(firewall) AND vm.deleted_at IS NULL ORDER BY vm.id
            """
        )
        .map { try $0["id"] }
    }

    /// Checks that a machine may get a firewall, or lose it.
    func check(_ machine: Machine, _ firewalls: [LockedFirewall]) throws {
        try machine.stored.requireRest("its firewalls can be changed")
        for firewall in firewalls where firewall.environment != machine.environment {
            throw ResourceRefusal(
                .invalid,
                "Firewall “\(firewall.name)” is of another environment than VM \(machine.stored.name); use one of the "
                    + "machine's environment."
            )
        }
    }

    /// Raises the generation of locked machines whose rules changed, and leaves word for their nodes.
    ///
    /// - Parameters:
    ///   - machines: those that are being deleted are left as they are.
    ///   - firewalls: whose attachments to them are new to the nodes.
    /// - Returns: whether the outbox has something new.
    /// - Throws: `PostgresError`.
    func raise(_ machines: [VirtualMachineID], for firewalls: [FirewallID]) throws -> Bool {
        guard !machines.isEmpty else { return false }
        let rows = try transaction.query(
            """
            WITH changed AS (
                UPDATE virtual_machine SET generation = generation + 1
                WHERE id = ANY (\(machines)::bigint[]) AND phase NOT IN ('deleting', 'deleted')
                RETURNING id, node_id, organization_id, name, generation
            ), attached AS (
                UPDATE firewall_attachment a SET generation = c.generation FROM changed c
                WHERE a.vm_id = c.id AND a.firewall_id = ANY (\(firewalls)::bigint[])
            ), task AS (
                INSERT INTO task_outbox (node_id, vm_id, request_id)
                SELECT node_id, id, \(RequestID.current)::text FROM changed WHERE node_id IS NOT NULL
            ), event AS (
                INSERT INTO vm_event (vm_id, organization_id, user_id, type, reason, message)
                SELECT id, organization_id, \(user)::bigint, 'normal', \(MachineEvent.Reason.firewallsChangeRequest),
                    format('Instance %s Change Firewalls Request Sent.', name) FROM changed
            )
            SELECT DISTINCT node_id FROM changed WHERE node_id IS NOT NULL
            """
        )
        let nodes: [NodeID] = try rows.map { try $0["node_id"] }
        // By id, as claims of several nodes are made.
        try transaction.execute(
            """
            WITH locked AS MATERIALIZED (
                SELECT id FROM compute_node WHERE id = ANY (\(nodes)::bigint[]) ORDER BY id FOR NO KEY UPDATE
            )
            UPDATE compute_node n SET revision = n.revision + 1 FROM locked WHERE n.id = locked.id
            """
        )
        return !nodes.isEmpty
    }
}
