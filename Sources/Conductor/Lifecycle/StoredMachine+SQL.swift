// SPDX-License-Identifier: Apache-2.0

import GantryModel
import Postgres

extension StoredMachine {
    /// Locks one machine of an organization that is not deleted.
    static func lock(
        _ id: VirtualMachineID,
        in organization: OrganizationID,
        _ transaction: Transaction
    ) throws -> StoredMachine? {
        try transaction.query(
            """
            SELECT \(raw: columns) FROM virtual_machine vm
            WHERE vm.id = \(id) AND vm.organization_id = \(organization) AND vm.deleted_at IS NULL FOR UPDATE
            """
        )
        .first.map { try StoredMachine($0) }
    }

    /// Locks the machines with these UUIDs that are not deleted, in the order of their ids.
    ///
    /// Written so that the planner has one index to choose, the one of UUIDs: not that of ids to save the sort, nor a
    /// partial one of those that are not deleted.
    static func lock(_ uuids: [MachineUUID]) -> SQL {
        """
        SELECT \(raw: columns) FROM virtual_machine vm
        WHERE vm.uuid = ANY (\(uuids)::uuid[]) AND vm.phase <> 'deleted' ORDER BY vm.id + 0 FOR UPDATE
        """
    }

    /// The columns that `init` reads, of the table named `vm`.
    static let columns: StaticString = """
        vm.id, vm.uuid, vm.name, vm.organization_id, vm.phase, vm.desired, vm.generation, vm.boot_counter,
        vm.assign_floating_ip, vm.floating_ip_attaching, vm.floating_ip_detaching, vm.floating_ip_on_restore,
        vm.volumes_changing, vm.rules_changing, vm.node_id, vm.holds_compute,
        (SELECT f.stop_policy FROM flavor f WHERE f.id = vm.flavor_id) AS stop_policy, vm.evicting, vm.tried_nodes,
        vm.starts_elsewhere, vm.applied_generation, vm.observed_power, vm.floating_ip_wired, vm.activity_step, vm.activity_percent,
        vm.fault_code, vm.fault_message,
        vm.callback_url IS NOT NULL AS calls_back, EXISTS (
            SELECT FROM volume_attachment a JOIN volume v ON v.id = a.volume_id
            WHERE a.vm_id = vm.id AND v.node_id IS NOT NULL) AS is_bound,
        NOT EXISTS (SELECT FROM volume_attachment a WHERE a.vm_id = vm.id AND a.boot) AS has_own_disk,
        EXISTS (SELECT FROM snapshot s WHERE s.vm_id = vm.id AND s.state = 'creating') AS is_snapshotting,
        EXISTS (SELECT FROM orphan o WHERE o.uuid = vm.uuid) AS has_orphan
        """

    init(_ row: Row) throws {
        try self.init(
            id: row["id"],
            uuid: row["uuid"],
            name: row["name"],
            organizationID: row["organization_id"],
            phase: row["phase"],
            desired: row["desired"],
            generation: row["generation"],
            bootCounter: row["boot_counter"],
            wantsFloatingIP: row["assign_floating_ip"],
            attachesFloatingIP: row["floating_ip_attaching"],
            detachesFloatingIP: row["floating_ip_detaching"],
            restoresFloatingIP: row["floating_ip_on_restore"],
            changesVolumes: row["volumes_changing"],
            changesRules: row["rules_changing"],
            nodeID: row["node_id"],
            holdsCompute: row["holds_compute"],
            stopPolicy: row["stop_policy"],
            evicting: row["evicting"],
            triedNodes: row["tried_nodes"],
            startsElsewhere: row["starts_elsewhere"],
            appliedGeneration: row["applied_generation"],
            observed: row["observed_power"],
            floatingIPWired: row["floating_ip_wired"],
            activity: row.activity,
            fault: row.fault,
            callsBack: row["calls_back"],
            isBound: row["is_bound"],
            hasOwnDisk: row["has_own_disk"],
            isSnapshotting: row["is_snapshotting"],
            hasOrphan: row["has_orphan"]
        )
    }
}
