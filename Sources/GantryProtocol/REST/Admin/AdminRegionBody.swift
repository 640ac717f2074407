// SPDX-License-Identifier: Apache-2.0

/// A region as operators see it.
public struct AdminRegionBody: AnswerContent, Hashable {
    public static let singular = "region"
    public static let plural = "regions"

    public var id: Int64
    public var name: String
    public var description: String
    public var country: String
    /// Where the private networks of environments are cut from, in CIDR form.
    public var network: String
    /// How long the prefix of each is.
    public var environmentPrefix: Int
    public var environmentCount: Int
    public var nodeCount: Int
    public var createdAt: Timestamp

    public init(
        id: Int64,
        name: String,
        description: String,
        country: String,
        network: String,
        environmentPrefix: Int,
        environmentCount: Int,
        nodeCount: Int,
        createdAt: Timestamp
    ) {
        (self.id, self.name, self.description, self.country) = (id, name, description, country)
        (self.network, self.environmentPrefix) = (network, environmentPrefix)
        (self.environmentCount, self.nodeCount, self.createdAt) = (environmentCount, nodeCount, createdAt)
    }

    private enum CodingKeys: String, CodingKey {
        case id
        case name
        case description
        case country
        case network
        case environmentPrefix = "environment_prefix"
        case environmentCount = "environment_count"
        case nodeCount = "node_count"
        case createdAt = "created_at"
    }
}

/// `POST /v1/admin/regions`.
public struct CreateRegionRequest: RequestFields, Hashable {
    public var name: String
    public var description: String?
    public var country: String?
    /// `10.0.0.0/8` when nil.
    public var network: String?
    /// 22 when nil.
    public var environmentPrefix: Int?

    public init(
        name: String,
        description: String? = nil,
        country: String? = nil,
        network: String? = nil,
        environmentPrefix: Int? = nil
    ) {
        (self.name, self.description, self.country) = (name, description, country)
        (self.network, self.environmentPrefix) = (network, environmentPrefix)
    }

    public enum CodingKeys: String, CodingKey, CaseIterable {
        case name
        case description
        case country
        case network
        case environmentPrefix = "environment_prefix"
    }
}

/// `PATCH /v1/admin/regions/{id}`: what is nil stays as it is.
public struct UpdateRegionRequest: RequestFields, Hashable {
    public var name: String?
    public var description: String?
    public var country: String?
    public var network: String?
    public var environmentPrefix: Int?

    public init(
        name: String? = nil,
        description: String? = nil,
        country: String? = nil,
        network: String? = nil,
        environmentPrefix: Int? = nil
    ) {
        (self.name, self.description, self.country) = (name, description, country)
        (self.network, self.environmentPrefix) = (network, environmentPrefix)
    }

    public enum CodingKeys: String, CodingKey, CaseIterable {
        case name
        case description
        case country
        case network
        case environmentPrefix = "environment_prefix"
    }
}
