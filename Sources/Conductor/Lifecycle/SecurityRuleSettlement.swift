// SPDX-License-Identifier: Apache-2.0

import GantryModel
import Postgres

/// What is told of rules that were added to machines and taken away, once their nodes have spoken.
enum SecurityRuleSettlement {
    /// The nodes have taken them.
    static func settle(_ machines: [VirtualMachineID]) -> SQL {
        """
        WITH settled AS (
            DELETE FROM security_rule_change WHERE vm_id = ANY (\(machines)::bigint[])
            RETURNING id, vm_id, rule_id, removed
        ), event AS (
            INSERT INTO vm_event (vm_id, organization_id, type, reason, message)
            SELECT vm.id, vm.organization_id, 'normal',
                CASE WHEN s.removed THEN \(MachineEvent.Reason.securityRuleDetached)
                    ELSE \(MachineEvent.Reason.securityRuleAttached) END,
                format(CASE WHEN s.removed THEN 'Security rule %s is detached from %s.'
                    ELSE 'Security rule %s is attached to %s.' END, s.rule_id, vm.name)
            FROM settled s JOIN virtual_machine vm ON vm.id = s.vm_id ORDER BY s.id
        ), notice AS (
            SELECT id AS position, vm_id, CASE WHEN removed THEN \(CallbackOperation.detachSecurityRule)
                ELSE \(CallbackOperation.attachSecurityRule) END AS operation,
                \(OperationNotice.Status.succeeded)::text AS status
            FROM settled
        )
        \(raw: OperationCallback.insertion)
        """
    }

    /// The nodes could not take them, for a reason each. They try again, and so each is told once.
    static func fail(_ failures: [(machine: VirtualMachineID, fault: Fault)]) -> SQL {
        """
        WITH failure AS (
            SELECT * FROM unnest(\(failures.map(\.machine))::bigint[], \(failures.map(\.fault.message))::text[])
                AS f (vm_id, message)
        ), failed AS (
            UPDATE security_rule_change c SET failed = true FROM failure f WHERE c.vm_id = f.vm_id AND NOT c.failed
            RETURNING c.id, c.vm_id, c.rule_id, c.removed, f.message
        ), event AS (
            INSERT INTO vm_event (vm_id, organization_id, type, reason, message)
            SELECT vm.id, vm.organization_id, 'warning',
                CASE WHEN f.removed THEN \(MachineEvent.Reason.securityRuleDetachFailed)
                    ELSE \(MachineEvent.Reason.securityRuleAttachFailed) END,
                format('Security rule %s: %s', f.rule_id, f.message)
            FROM failed f JOIN virtual_machine vm ON vm.id = f.vm_id ORDER BY f.id
        ), notice AS (
            SELECT id AS position, vm_id, CASE WHEN removed THEN \(CallbackOperation.detachSecurityRule)
                ELSE \(CallbackOperation.attachSecurityRule) END AS operation,
                \(OperationNotice.Status.failed)::text AS status
            FROM failed
        )
        \(raw: OperationCallback.insertion)
        """
    }
}
