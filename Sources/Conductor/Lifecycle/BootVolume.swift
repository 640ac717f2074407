// SPDX-License-Identifier: Apache-2.0

import GantryModel
import GantryProtocol
import Postgres

/// The volume that a new machine boots from, in place of a disk of its own.
struct BootVolume {
    /// Nil for one that is made with the machine.
    private let existing: LockedVolume?
    private let pool: StoragePoolID
    private let isLocal: Bool
    private let sizeGiB: Int

    /// What it claims of its node's disk that is not claimed yet.
    var claimedGiB: Int { isLocal && existing?.node == nil ? sizeGiB : 0 }

    /// What each machine adds to what its owner has.
    var added: QuotaAmounts { existing == nil ? [.volumes: 1, .volumeGiB: sizeGiB] : [:] }

    var need: StorageNeed { StorageNeed(pools: [pool], node: existing?.node?.id) }

    /// Locks the volume that a request names, or finds a pool for the ones that it wants made.
    ///
    /// - Returns: nil for machines with disks of their own.
    /// - Throws: ``MachineRefusal`` or ``ResourceRefusal`` when it cannot be.
    static func load(
        _ creation: MachineCreation,
        _ flavorDiskGiB: Int,
        region: RegionID,
        _ transaction: Transaction
    ) throws -> BootVolume? {
        switch creation.boot {
        case .own: return nil
        case .newVolume:
            // A shared pool first, since what is there can be used on every node.
            let rows = try transaction.query(
                """
                SELECT p.id, p.kind FROM storage_pool p WHERE p.region_id = \(region)
                    AND EXISTS (SELECT FROM node_storage_pool n WHERE n.pool_id = p.id)
                ORDER BY p.kind = 'shared' DESC, p.id LIMIT 1
                """
            )
            guard let row = rows.first else {
                throw MachineRefusal(.noCapacity, "create_bootable_volume: no node has a storage pool now.")
            }
            let kind: StoragePoolInventory.Kind = try row["kind"]
            return BootVolume(existing: nil, pool: try row["id"], isLocal: kind == .local, sizeGiB: flavorDiskGiB)
        case .volume(let id):
            let volume = try LockedVolume.lock([id], in: creation.organization, transaction)[0]
            try check(volume, creation)
            return BootVolume(
                existing: volume,
                pool: volume.pool.id,
                isLocal: volume.pool.kind == .local,
                sizeGiB: volume.sizeGiB
            )
        }
    }

    private static func check(_ volume: LockedVolume, _ creation: MachineCreation) throws(MachineRefusal) {
        guard creation.count == 1 else {
            throw MachineRefusal(.invalid, "volume_name: one volume boots one machine; use count 1.")
        }
        guard volume.environment == creation.environment else {
            throw MachineRefusal(.notFound, "volume_name: Volume \(volume.name) does not exist in the environment.")
        }
        guard volume.isBootable else {
            throw MachineRefusal(
                .wrongState,
                "volume_name: no machine can boot from volume “\(volume.name)”; make one with `image_id`."
            )
        }
        guard volume.attachment == nil, volume.state != .deleting else {
            let reason = volume.attachment.map { "attached to VM \($0.machine)" } ?? "being deleted"
            throw MachineRefusal(.wrongState, "volume_name: volume “\(volume.name)” is \(reason).")
        }
    }

    /// Gives a machine that was just made its volume, on the node that was chosen and claimed.
    func attach(to machine: MachineUUID, on node: NodeID, _ creation: MachineCreation) -> SQL {
        let place = isLocal ? node : nil
        if let existing {
            return """
                WITH placed AS (
                    UPDATE volume SET state = CASE state WHEN 'empty' THEN 'placed' ELSE state END,
                        node_id = coalesce(node_id, \(place)::bigint)
                    WHERE id = \(existing.id) RETURNING id
                )
                INSERT INTO volume_attachment (volume_id, vm_id, boot)
                SELECT placed.id, vm.id, true FROM placed, virtual_machine vm WHERE vm.uuid = \(machine)
                """
        }
        return """
            WITH made AS (
                INSERT INTO volume (organization_id, environment_id, created_by, pool_id, name, size_gib, image_id, state,
                    node_id)
                SELECT vm.organization_id, vm.environment_id, vm.created_by, \(pool), vm.name, \(sizeGiB), vm.image_id,
                    'placed', \(place)::bigint FROM virtual_machine vm WHERE vm.uuid = \(machine) RETURNING id
            )
            INSERT INTO volume_attachment (volume_id, vm_id, boot)
            SELECT made.id, vm.id, true FROM made, virtual_machine vm WHERE vm.uuid = \(machine)
            """
    }
}
