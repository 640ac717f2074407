// SPDX-License-Identifier: Apache-2.0

import GantryModel
import Postgres

/// What becomes of machines' volumes once their nodes have done what the newest generation wants, or nothing is left.
enum VolumeSettlement {
    /// What was to be attached is, and what was to be detached is free for others.
    static func settle(_ machines: [VirtualMachineID]) -> SQL {
        """
        WITH attached AS (
            UPDATE volume_attachment SET state = 'attached'
            WHERE vm_id = ANY (\(machines)::bigint[]) AND state = 'attaching' RETURNING vm_id, volume_id
        ), detached AS (
            DELETE FROM volume_attachment
            WHERE vm_id = ANY (\(machines)::bigint[]) AND state = 'detaching' RETURNING vm_id, volume_id
        ), made AS (
            UPDATE volume v SET state = 'made' FROM attached a WHERE v.id = a.volume_id AND v.state = 'placed'
        ), changed AS (
            SELECT vm_id, volume_id, true AS is_attached FROM attached
            UNION ALL SELECT vm_id, volume_id, false FROM detached
        ), told AS (
            INSERT INTO callback_delivery (organization_id, volume_id, resource_name, url, operation, status)
            SELECT v.organization_id, v.id, v.name, v.callback_url,
                CASE WHEN c.is_attached THEN \(CallbackOperation.attachVolume) ELSE \(CallbackOperation.detachVolume) END,
                CASE WHEN c.is_attached THEN 'IN-USE' ELSE 'AVAILABLE' END
            FROM changed c JOIN volume v ON v.id = c.volume_id WHERE v.callback_url IS NOT NULL ORDER BY v.id
        )
        INSERT INTO vm_event (vm_id, organization_id, type, reason, message)
        SELECT c.vm_id, v.organization_id, 'normal',
            CASE WHEN c.is_attached THEN \(MachineEvent.Reason.volumeAttached)
                ELSE \(MachineEvent.Reason.volumeDetached) END,
            format(CASE WHEN c.is_attached THEN 'Volume %s is attached to %s.' ELSE 'Volume %s is detached from %s.' END,
                v.name, vm.name)
        FROM changed c JOIN volume v ON v.id = c.volume_id JOIN virtual_machine vm ON vm.id = c.vm_id ORDER BY v.id
        """
    }

    /// The machines are gone; their volumes stay.
    static func release(_ machines: [VirtualMachineID]) -> SQL {
        """
        WITH freed AS (
            DELETE FROM volume_attachment WHERE vm_id = ANY (\(machines)::bigint[]) RETURNING volume_id
        )
        INSERT INTO callback_delivery (organization_id, volume_id, resource_name, url, operation, status)
        SELECT v.organization_id, v.id, v.name, v.callback_url, \(CallbackOperation.detachVolume), 'AVAILABLE'
        FROM freed f JOIN volume v ON v.id = f.volume_id WHERE v.callback_url IS NOT NULL ORDER BY v.id
        """
    }
}
