// SPDX-License-Identifier: Apache-2.0

/// A volume: a disk that exists apart from machines.
public struct VolumeBody: AnswerContent, Hashable {
    public static let singular = "volume"
    public static let plural = "volumes"

    public var id: Int64
    public var name: String
    public var description: String
    public var environment: Environment
    public var volumeType: String
    /// In GB; the vendor's word for GiB.
    public var size: Int
    /// `available`, `in-use` or `deleting`.
    public var status: String
    public var bootable: Bool
    @Nullable public var imageID: Int64?
    /// The name of the image that it began as.
    @Nullable public var osImage: String?
    @Nullable public var callbackURL: String?
    public var attachments: [Attachment]
    public var createdAt: Timestamp
    public var updatedAt: Timestamp

    public init(
        id: Int64,
        name: String,
        description: String,
        environment: Environment,
        volumeType: String,
        size: Int,
        status: String,
        imageID: Int64?,
        osImage: String?,
        callbackURL: String?,
        attachments: [Attachment],
        createdAt: Timestamp,
        updatedAt: Timestamp
    ) {
        (self.id, self.name, self.description, self.environment) = (id, name, description, environment)
        (self.volumeType, self.size, self.status) = (volumeType, size, status)
        bootable = imageID != nil
        _imageID = Nullable(wrappedValue: imageID)
        _osImage = Nullable(wrappedValue: osImage)
        _callbackURL = Nullable(wrappedValue: callbackURL)
        (self.attachments, self.createdAt, self.updatedAt) = (attachments, createdAt, updatedAt)
    }

    private enum CodingKeys: String, CodingKey {
        case id
        case name
        case description
        case environment
        case volumeType = "volume_type"
        case size
        case status
        case bootable
        case imageID = "image_id"
        case osImage = "os_image"
        case callbackURL = "callback_url"
        case attachments
        case createdAt = "created_at"
        case updatedAt = "updated_at"
    }

    public struct Environment: Codable, Sendable, Hashable {
        public var name: String
        /// The region's name.
        public var region: String
        public var features: EnvironmentFeatures

        public init(name: String, region: String) {
            (self.name, self.region) = (name, region)
            features = EnvironmentFeatures()
        }
    }

    public struct Attachment: Codable, Sendable, Hashable {
        public var id: Int64
        public var instanceID: Int64
        /// `ATTACHING`, `ATTACHED` or `DETACHING`.
        public var status: String
        public var device: String
        public var protected: Bool

        public init(id: Int64, instanceID: Int64, status: String, device: String, protected: Bool) {
            (self.id, self.instanceID, self.status) = (id, instanceID, status)
            (self.device, self.protected) = (device, protected)
        }

        private enum CodingKeys: String, CodingKey {
            case id
            case instanceID = "instance_id"
            case status
            case device
            case protected
        }
    }
}
