// SPDX-License-Identifier: Apache-2.0

package import GantryModel
import Postgres

extension MachineLifecycle {
    /// Adds a rule to a machine in any state but its deletion.
    ///
    /// - Returns: the rule, which the machine's node does not have yet.
    /// - Throws: ``MachineRefusal`` with `notFound` or `conflict`; ``ResourceRefusal`` with `taken` for a rule that the
    ///   machine has, and with `invalid` when it has as many as it may have.
    package func addSecurityRule(
        _ rule: SecurityRule,
        to id: VirtualMachineID,
        in organization: OrganizationID,
        by user: UserID?
    ) async throws -> VirtualMachineRecord.Rule {
        try await change(id, in: organization, by: user) { machine, transaction in
            let transition = try machine.changingRules(.securityRuleAttachRequest, "Attach Security Rule")
            try SecurityRuleLimits.check(
                try transaction.query(Self.count(rule, of: id)),
                of: "VM \(machine.name)",
                limit: SecurityRuleLimits.perMachine
            )
            let (low, high) = rule.portColumns
            let rows = try transaction.query(
                """
                WITH rule AS (
                    INSERT INTO security_rule (vm_id, direction, ethertype, protocol, remote, port_min, port_max, generation)
                    VALUES (\(id), \(rule.direction), \(rule.etherType), \(rule.protocol), \(rule.remote), \(low),
                        \(high), \(transition.machine.generation))
                    RETURNING id, vm_id, created_at
                ), change AS (
                    INSERT INTO security_rule_change (vm_id, rule_id, removed) SELECT vm_id, id, false FROM rule
                )
                SELECT id, created_at FROM rule
                """
            )
            guard let row = rows.first else { throw PostgresError(.decoding, "a new rule has no row") }
            let added = try VirtualMachineRecord.Rule(
                id: row["id"],
                rule: rule,
                generation: transition.machine.generation,
                isChanging: true,
                createdAt: row["created_at"]
            )
            return (transition, added)
        }
        .1
    }

    /// Takes a rule of a machine away. Connections that no other rule allows end once the node has done it.
    ///
    /// - Throws: ``MachineRefusal`` with `notFound` or `conflict`.
    package func removeSecurityRule(
        _ rule: SecurityRuleID,
        of id: VirtualMachineID,
        in organization: OrganizationID,
        by user: UserID?
    ) async throws {
        _ = try await change(id, in: organization, by: user) { machine, transaction in
            let transition = try machine.changingRules(.securityRuleDetachRequest, "Detach Security Rule")
            let count = try transaction.execute(
                """
                WITH rule AS (DELETE FROM security_rule WHERE id = \(rule) AND vm_id = \(id) RETURNING id, vm_id)
                INSERT INTO security_rule_change (vm_id, rule_id, removed) SELECT vm_id, id, true FROM rule
                """
            )
            guard count == 1 else {
                throw MachineRefusal(.notFound, "VM \(machine.name) has no security rule \(rule).")
            }
            return (transition, ())
        }
    }

    private static func count(_ rule: SecurityRule, of id: VirtualMachineID) -> SQL {
        let (low, high) = rule.portColumns
        return """
            SELECT count(*) AS count, min(id) FILTER (WHERE direction = \(rule.direction)
                AND ethertype = \(rule.etherType) AND protocol = \(rule.protocol) AND remote = \(rule.remote)
                AND port_min IS NOT DISTINCT FROM \(low) AND port_max IS NOT DISTINCT FROM \(high)) AS same
            FROM security_rule WHERE vm_id = \(id)
            """
    }
}

extension StoredMachine {
    /// The machine with other rules than its node has.
    ///
    /// - Throws: ``MachineRefusal`` with `conflict` when it is being deleted.
    func changingRules(_ reason: MachineEvent.Reason, _ words: String) throws(MachineRefusal) -> MachineTransition {
        guard phase != .deleting else {
            throw MachineRefusal(.conflict, "VM \(name) is DELETING; its rules go with it.")
        }
        var transition = MachineTransition(of: self)
        transition.machine.changesRules = true
        transition.raiseGeneration(above: generation)
        transition.events.append(MachineEvent(.normal, reason, "Instance \(name) \(words) Request Sent."))
        return transition
    }
}
