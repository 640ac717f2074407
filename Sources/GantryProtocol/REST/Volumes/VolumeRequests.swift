// SPDX-License-Identifier: Apache-2.0

/// `POST /v1/core/volumes`.
public struct CreateVolumeRequest: RequestFields, Hashable {
    public var name: String
    public var environmentName: String
    public var volumeType: String
    /// In GB; the vendor's word for GiB.
    public var size: Int
    /// Makes the volume begin as the image, and bootable.
    public var imageID: Int64?
    public var description: String?
    public var callbackURL: String?

    public init(name: String, environmentName: String, volumeType: String, size: Int, imageID: Int64? = nil) {
        (self.name, self.environmentName, self.volumeType) = (name, environmentName, volumeType)
        (self.size, self.imageID) = (size, imageID)
    }

    public enum CodingKeys: String, CodingKey, CaseIterable {
        case name
        case environmentName = "environment_name"
        case volumeType = "volume_type"
        case size
        case imageID = "image_id"
        case description
        case callbackURL = "callback_url"
    }
}

/// `PATCH /v1/core/volumes/{id}`: what is not named stays.
public struct UpdateVolumeRequest: RequestFields, Hashable {
    /// The environment to move to.
    public var environmentName: String?
    public var name: String?
    public var description: String?
    /// In GB; not less than it has.
    public var size: Int?

    public init(environmentName: String? = nil, name: String? = nil, description: String? = nil, size: Int? = nil) {
        (self.environmentName, self.name) = (environmentName, name)
        (self.description, self.size) = (description, size)
    }

    public enum CodingKeys: String, CodingKey, CaseIterable {
        case environmentName = "environment_name"
        case name
        case description
        case size
    }
}

/// The answer to it.
public struct UpdateVolumeAnswer: Codable, Sendable, Hashable {
    public var status = true
    public var message: String
    /// What was asked for.
    public var updates: UpdateVolumeRequest
    public var volume: VolumeBody

    public init(message: String, updates: UpdateVolumeRequest, volume: VolumeBody) {
        (self.message, self.updates, self.volume) = (message, updates, volume)
    }
}

/// `POST /v1/core/virtual-machines/{id}/attach-volumes`.
public struct AttachVolumesRequest: RequestFields, Hashable {
    public var volumeIDs: [Int64]
    public var protected: Bool?

    public init(volumeIDs: [Int64], protected: Bool? = nil) {
        (self.volumeIDs, self.protected) = (volumeIDs, protected)
    }

    public enum CodingKeys: String, CodingKey, CaseIterable {
        case volumeIDs = "volume_ids"
        case protected
    }
}

/// `POST /v1/core/virtual-machines/{id}/detach-volumes`.
public struct DetachVolumesRequest: RequestFields, Hashable {
    public var volumeIDs: [Int64]

    public init(volumeIDs: [Int64]) {
        self.volumeIDs = volumeIDs
    }

    public enum CodingKeys: String, CodingKey, CaseIterable {
        case volumeIDs = "volume_ids"
    }
}

/// `PATCH /v1/core/volume-attachments/{id}`.
public struct UpdateVolumeAttachmentRequest: RequestFields, Hashable {
    public var protected: Bool

    public init(protected: Bool) {
        self.protected = protected
    }

    public enum CodingKeys: String, CodingKey, CaseIterable {
        case protected
    }
}
