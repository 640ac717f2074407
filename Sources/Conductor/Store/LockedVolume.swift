// SPDX-License-Identifier: Apache-2.0

import GantryModel
import GantryProtocol
import Postgres

/// A volume whose row is locked: it, its place and its attachment stay as they are until the transaction ends.
///
/// Whoever needs several locks machines first, then volumes, by id, and then nodes.
struct LockedVolume: Sendable {
    let id: VolumeID
    let name: String
    let state: VolumeRecord.State
    let sizeGiB: Int
    /// Whether it began as an image.
    let isBootable: Bool
    let environment: EnvironmentID
    let pool: Pool
    /// Where a local one is; nil before a machine had it.
    let node: Node?
    let attachment: Attachment?

    struct Pool: Sendable {
        let id: StoragePoolID
        let name: String
        let kind: StoragePoolInventory.Kind
    }

    struct Node: Sendable {
        let id: NodeID
        let name: NodeName
    }

    struct Attachment: Sendable {
        let id: VolumeAttachmentID
        let machine: VirtualMachineID
        let state: VolumeAttachmentRecord.State
        let isProtected: Bool
        let isBoot: Bool
    }

    /// Locks volumes in the order of their ids.
    ///
    /// - Returns: all of them.
    /// - Throws: ``ResourceRefusal`` with `notFound` when one is not the organization's.
    static func lock(
        _ ids: [VolumeID],
        in organization: OrganizationID,
        _ transaction: Transaction
    ) throws -> [LockedVolume] {
        // The lock first: what is read by the statement that waits for it may be what was before.
        let results = try transaction.together([
            """
            SELECT FROM volume WHERE id = ANY (\(ids)::bigint[]) AND organization_id = \(organization)
            ORDER BY id FOR UPDATE
            """,
            """
            SELECT v.id, v.name, v.state, v.size_gib, v.environment_id,
                v.image_id IS NOT NULL AS is_bootable, p.id AS pool_id, p.name AS pool, p.kind,
                n.id AS node_id, n.name AS node, a.id AS attachment_id, a.vm_id, a.state AS attachment_state,
                a.protected, a.boot
            FROM volume v JOIN storage_pool p ON p.id = v.pool_id LEFT JOIN compute_node n ON n.id = v.node_id
                LEFT JOIN volume_attachment a ON a.volume_id = v.id
            WHERE v.id = ANY (\(ids)::bigint[]) AND v.organization_id = \(organization) AND v.deleted_at IS NULL
            ORDER BY v.id
            """,
        ])
        let found = try results[1].rows.map { try LockedVolume($0) }
        if let missing = Set(ids).subtracting(found.map(\.id)).min() { throw notFound(missing) }
        return found
    }

    private init(_ row: Row) throws {
        id = try row["id"]
        name = try row["name"]
        state = try row["state"]
        sizeGiB = try row["size_gib"]
        isBootable = try row["is_bootable"]
        environment = try row["environment_id"]
        pool = try Pool(id: row["pool_id"], name: row["pool"], kind: row["kind"])
        if let id: NodeID = try row["node_id"] {
            node = try Node(id: id, name: row["node"])
        } else {
            node = nil
        }
        if let id: VolumeAttachmentID = try row["attachment_id"] {
            attachment = try Attachment(
                id: id,
                machine: row["vm_id"],
                state: row["attachment_state"],
                isProtected: row["protected"],
                isBoot: row["boot"]
            )
        } else {
            attachment = nil
        }
    }

    static func notFound(_ id: VolumeID) -> ResourceRefusal {
        ResourceRefusal(.notFound, "Volume \(id) does not exist.")
    }
}
