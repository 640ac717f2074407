// SPDX-License-Identifier: Apache-2.0

/// An image as operators see it.
public struct AdminImageBody: AnswerContent, Hashable {
    public static let singular = "image"
    public static let plural = "images"

    public var id: Int64
    /// The region's name.
    public var region: String
    public var name: String
    public var type: String
    public var version: String
    public var description: String
    /// Where nodes fetch it.
    public var url: String
    public var sha256: String
    /// `qcow2` or `raw`.
    public var format: String
    /// In bytes; 0 when it is not known.
    public var size: Int64
    /// How many machines of it exist.
    public var virtualMachineCount: Int
    public var createdAt: Timestamp

    public init(
        id: Int64,
        region: String,
        name: String,
        type: String,
        version: String,
        description: String,
        url: String,
        sha256: String,
        format: String,
        size: Int64,
        virtualMachineCount: Int,
        createdAt: Timestamp
    ) {
        (self.id, self.region, self.name) = (id, region, name)
        (self.type, self.version, self.description) = (type, version, description)
        (self.url, self.sha256, self.format, self.size) = (url, sha256, format, size)
        (self.virtualMachineCount, self.createdAt) = (virtualMachineCount, createdAt)
    }

    private enum CodingKeys: String, CodingKey {
        case id
        case region
        case name
        case type
        case version
        case description
        case url
        case sha256
        case format
        case size
        case virtualMachineCount = "virtual_machine_count"
        case createdAt = "created_at"
    }
}

/// `POST /v1/admin/images`.
public struct CreateImageRequest: RequestFields, Hashable {
    /// The region's name.
    public var region: String
    public var name: String
    /// `file:`, `http:` or `https:`, as every node of the region reaches it.
    public var url: String
    public var sha256: String
    /// `qcow2` or `raw`.
    public var format: String
    public var type: String?
    public var version: String?
    public var description: String?
    /// In bytes.
    public var size: Int64?

    public init(
        region: String,
        name: String,
        url: String,
        sha256: String,
        format: String,
        type: String? = nil,
        version: String? = nil,
        description: String? = nil,
        size: Int64? = nil
    ) {
        (self.region, self.name, self.url) = (region, name, url)
        (self.sha256, self.format) = (sha256, format)
        (self.type, self.version, self.description, self.size) = (type, version, description, size)
    }

    public enum CodingKeys: String, CodingKey, CaseIterable {
        case region
        case name
        case url
        case sha256
        case format
        case type
        case version
        case description
        case size
    }
}
