// SPDX-License-Identifier: Apache-2.0

package import Foundation
package import GantryModel
import Postgres

/// A disk that exists apart from machines, with all that the API shows of it.
package struct VolumeRecord: Sendable, Hashable {
    /// Where its file stands.
    package enum State: String, Sendable, Hashable {
        /// No node was told to make it.
        case empty
        /// A node was told.
        case placed
        /// A node said that it did.
        case made
        case deleting, deleted
    }

    package var id: VolumeID
    package var uuid: VolumeUUID
    package var name: String
    package var description: String
    package var environmentName: String
    package var regionName: String
    /// The name of its storage pool.
    package var type: String
    package var sizeGiB: Int
    /// What it began as; nil for an empty one. Machines can boot from it then.
    package var imageID: ImageID?
    package var imageName: String?
    package var callbackURL: String?
    package var state: State
    package var attachment: VolumeAttachmentRecord?
    package var createdAt: Date
    package var updatedAt: Date

    package var isBootable: Bool { imageID != nil }

    /// The vendor's word. A new volume is available at once: its file is made when the first machine gets it.
    package var status: String {
        switch state {
        case .deleting, .deleted: state.rawValue
        case .empty, .placed, .made: attachment == nil ? "available" : "in-use"
        }
    }

    static let columns: StaticString = """
        v.id, v.uuid, v.name, v.description, v.size_gib, v.image_id, v.callback_url, v.state, v.created_at, v.updated_at,
        e.name AS environment, r.name AS region, p.name AS type, i.name AS image, a.id AS attachment_id, a.vm_id,
        a.state AS attachment_state, a.protected, a.created_at AS attached_at
        """

    static let tables: StaticString = """
        volume v JOIN environment e ON e.id = v.environment_id JOIN region r ON r.id = e.region_id
            JOIN storage_pool p ON p.id = v.pool_id LEFT JOIN image i ON i.id = v.image_id
            LEFT JOIN volume_attachment a ON a.volume_id = v.id
        """

    init(_ row: Row) throws {
        id = try row["id"]
        uuid = try row["uuid"]
        name = try row["name"]
        description = try row["description"]
        environmentName = try row["environment"]
        regionName = try row["region"]
        type = try row["type"]
        sizeGiB = try row["size_gib"]
        imageID = try row["image_id"]
        imageName = try row["image"]
        callbackURL = try row["callback_url"]
        state = try row["state"]
        createdAt = try row["created_at"]
        updatedAt = try row["updated_at"]
        guard let attachmentID: VolumeAttachmentID = try row["attachment_id"] else { return }
        attachment = try VolumeAttachmentRecord(
            id: attachmentID,
            volumeID: id,
            volumeUUID: uuid,
            machineID: row["vm_id"],
            state: row["attachment_state"],
            isProtected: row["protected"],
            createdAt: row["attached_at"]
        )
    }
}

/// That a machine has a volume, is to get it, or has yet to let go of it.
package struct VolumeAttachmentRecord: Sendable, Hashable {
    package enum State: String, Sendable, Hashable, Codable { case attaching, attached, detaching }

    package var id: VolumeAttachmentID
    package var volumeID: VolumeID
    package var volumeUUID: VolumeUUID
    package var machineID: VirtualMachineID
    package var state: State
    /// It is not detached while this is set.
    package var isProtected: Bool
    package var createdAt: Date
}
