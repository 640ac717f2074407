// SPDX-License-Identifier: Apache-2.0

/// That a machine has a volume, is to get it, or has yet to let go of it.
public struct VolumeAttachmentBody: Codable, Sendable, Hashable {
    public var id: Int64
    public var instanceID: Int64
    public var volumeID: Int64
    /// Where a Linux guest finds it.
    public var device: String
    /// `ATTACHING`, `ATTACHED` or `DETACHING`.
    public var status: String
    public var protected: Bool
    public var createdAt: Timestamp

    public init(
        id: Int64,
        instanceID: Int64,
        volumeID: Int64,
        device: String,
        status: String,
        protected: Bool,
        createdAt: Timestamp
    ) {
        (self.id, self.instanceID, self.volumeID) = (id, instanceID, volumeID)
        (self.device, self.status, self.protected, self.createdAt) = (device, status, protected, createdAt)
    }

    private enum CodingKeys: String, CodingKey {
        case id
        case instanceID = "instance_id"
        case volumeID = "volume_id"
        case device
        case status
        case protected
        case createdAt = "created_at"
    }
}

/// The answer to attaching, detaching and protecting.
public struct VolumeAttachmentsAnswer: Codable, Sendable, Hashable {
    public var status = true
    public var message: String
    public var volumeAttachments: [VolumeAttachmentBody]

    public init(message: String, volumeAttachments: [VolumeAttachmentBody]) {
        (self.message, self.volumeAttachments) = (message, volumeAttachments)
    }

    private enum CodingKeys: String, CodingKey {
        case status
        case message
        case volumeAttachments = "volume_attachments"
    }
}

/// The kinds of volumes that can be had.
public struct VolumeTypesAnswer: Codable, Sendable, Hashable {
    public var status = true
    public var message = "Getting volume types successful"
    public var volumeTypes: [String]

    public init(volumeTypes: [String]) {
        self.volumeTypes = volumeTypes
    }

    private enum CodingKeys: String, CodingKey {
        case status
        case message
        case volumeTypes = "volume_types"
    }
}
