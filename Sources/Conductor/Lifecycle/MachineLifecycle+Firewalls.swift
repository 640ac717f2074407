// SPDX-License-Identifier: Apache-2.0

package import GantryModel
import Postgres

extension MachineLifecycle {
    /// Adds a rule to a firewall, and so to all machines that have it.
    ///
    /// - Throws: ``ResourceRefusal`` with `notFound`, `taken` for a rule that is there, or `invalid` when the firewall
    ///   has as many as it may have.
    package func addRule(
        _ rule: SecurityRule,
        to firewall: FirewallID,
        in organization: OrganizationID,
        by user: UserID?
    ) async throws -> FirewallRecord.Rule {
        try await changing(organization, user) { change in
            let transaction = change.transaction
            let locked = try LockedFirewall.lock([firewall], in: organization, transaction)[0]
            try SecurityRuleLimits.check(
                try transaction.query(Self.count(rule, of: firewall)),
                of: "Firewall “\(locked.name)”",
                limit: SecurityRuleLimits.perFirewall
            )
            let (low, high) = rule.portColumns
            let rows = try transaction.query(
                """
                INSERT INTO firewall_rule (firewall_id, direction, ethertype, protocol, remote, port_min, port_max)
                VALUES (\(firewall), \(rule.direction), \(rule.etherType), \(rule.protocol), \(rule.remote), \(low),
                    \(high))
                RETURNING id, created_at
                """
            )
            guard let row = rows.first else { throw PostgresError(.decoding, "a new rule has no row") }
            let added = try FirewallRecord.Rule(id: row["id"], rule: rule, createdAt: row["created_at"])
            return (added, try Self.raiseAll(of: firewall, change))
        }
    }

    /// Takes a rule of a firewall away, and so of all machines that have it.
    ///
    /// - Throws: ``ResourceRefusal`` with `notFound`.
    package func removeRule(
        _ rule: FirewallRuleID,
        of firewall: FirewallID,
        in organization: OrganizationID,
        by user: UserID?
    ) async throws {
        try await changing(organization, user) { change in
            let locked = try LockedFirewall.lock([firewall], in: organization, change.transaction)[0]
            let count = try change.transaction.execute(
                "DELETE FROM firewall_rule WHERE id = \(rule) AND firewall_id = \(firewall)"
            )
            guard count == 1 else {
                throw ResourceRefusal(.notFound, "Firewall “\(locked.name)” has no rule \(rule).")
            }
            return ((), try Self.raiseAll(of: firewall, change))
        }
    }

    /// Gives a firewall to exactly these machines.
    ///
    /// - Throws: ``ResourceRefusal`` with `notFound` or `invalid`; ``MachineRefusal`` with `notFound` or `wrongState` of
    ///   a machine that would get or lose it.
    package func setMachines(
        _ machines: [VirtualMachineID],
        of firewall: FirewallID,
        in organization: OrganizationID,
        by user: UserID?
    ) async throws {
        let wanted = Set(machines)
        guard wanted.count <= SecurityRuleLimits.machinesPerFirewall else {
            throw ResourceRefusal(
                .invalid,
                "vms: there are \(wanted.count); a firewall may be attached to \(SecurityRuleLimits.machinesPerFirewall)."
            )
        }
        try await changing(organization, user) { change in
            let locked = try LockedFirewall.lock([firewall], in: organization, change.transaction)
            let current = Set(try change.machines(of: firewall))
            let changed = try change.lock(Array(wanted.union(current)))
                .filter { wanted.contains($0.id) != current.contains($0.id) }
            for machine in changed {
                let isAdded = wanted.contains(machine.id)
                try change.check(machine, isAdded ? locked : [])
                guard !isAdded || machine.firewalls < SecurityRuleLimits.firewallsPerMachine else {
                    throw Self.tooManyFirewalls(machine.stored.name)
                }
            }
            let added = changed.map(\.id).filter(wanted.contains)
            _ = try change.transaction.together([
                """
                DELETE FROM firewall_attachment WHERE firewall_id = \(firewall)
                    AND vm_id = ANY (\(changed.map(\.id))::bigint[])
                """,
                """
                INSERT INTO firewall_attachment (firewall_id, vm_id)
                SELECT \(firewall), id FROM unnest(\(added)::bigint[]) AS id
                """,
            ])
            return ((), try change.raise(changed.map(\.id), for: [firewall]))
        }
    }

    /// Gives a machine exactly these firewalls.
    ///
    /// - Throws: ``ResourceRefusal`` with `notFound` or `invalid`; ``MachineRefusal`` with `notFound` or `wrongState`.
    package func setFirewalls(
        _ firewalls: [FirewallID],
        of machine: VirtualMachineID,
        in organization: OrganizationID,
        by user: UserID?
    ) async throws {
        let wanted = Set(firewalls)
        try await changing(organization, user) { change in
            let transaction = change.transaction
            let locked = try LockedFirewall.lock(Array(wanted), in: organization, transaction)
            let machine = try change.lock([machine])[0]
            guard wanted.count <= SecurityRuleLimits.firewallsPerMachine else {
                throw Self.tooManyFirewalls(machine.stored.name)
            }
            try change.check(machine, locked)
            let results = try transaction.together([
                """
                DELETE FROM firewall_attachment
                WHERE vm_id = \(machine.id) AND firewall_id <> ALL (\(locked.map(\.id))::bigint[])
                """,
                """
                INSERT INTO firewall_attachment (firewall_id, vm_id)
                SELECT id, \(machine.id) FROM unnest(\(locked.map(\.id))::bigint[]) AS id
                ON CONFLICT DO NOTHING RETURNING firewall_id
                """,
            ])
            let added: [FirewallID] = try results[1].rows.map { try $0["firewall_id"] }
            guard results[0].affected > 0 || !added.isEmpty else { return ((), false) }
            return ((), try change.raise([machine.id], for: added))
        }
    }

    // MARK: - Parts

    private func changing<Value: Sendable>(
        _ organization: OrganizationID,
        _ user: UserID?,
        _ body: @escaping @Sendable (FirewallChange) throws -> (Value, told: Bool)
    ) async throws -> Value {
        let (value, told) = try await database.transaction { transaction in
            try body(FirewallChange(organization: organization, user: user, transaction: transaction))
        }
        if told { outbox.raise() }
        return value
    }

    private static func raiseAll(of firewall: FirewallID, _ change: FirewallChange) throws -> Bool {
        let machines = try change.lock(try change.machines(of: firewall))
        return try change.raise(machines.map(\.id), for: [firewall])
    }

    private static func tooManyFirewalls(_ machine: String) -> ResourceRefusal {
        ResourceRefusal(
            .invalid,
            "VM \(machine) would have more than \(SecurityRuleLimits.firewallsPerMachine) firewalls; put the rules of "
                + "several into one."
        )
    }

    private static func count(_ rule: SecurityRule, of firewall: FirewallID) -> SQL {
        let (low, high) = rule.portColumns
        return """
            SELECT count(*) AS count, min(id) FILTER (WHERE direction = \(rule.direction)
                AND ethertype = \(rule.etherType) AND protocol = \(rule.protocol) AND remote = \(rule.remote)
                AND port_min IS NOT DISTINCT FROM \(low) AND port_max IS NOT DISTINCT FROM \(high)) AS same
            FROM firewall_rule WHERE firewall_id = \(firewall)
            """
    }
}
