// SPDX-License-Identifier: Apache-2.0

/// An environment: machines and key pairs of one organization in one region, with a private network of their own.
public struct EnvironmentBody: AnswerContent, Hashable {
    public static let singular = "environment"
    public static let plural = "environments"

    public var id: Int64
    public var name: String
    /// The region's name.
    public var region: String
    public var createdAt: Timestamp
    public var features: EnvironmentFeatures

    public init(id: Int64, name: String, region: String, createdAt: Timestamp) {
        (self.id, self.name, self.region, self.createdAt) = (id, name, region, createdAt)
        features = EnvironmentFeatures()
    }

    private enum CodingKeys: String, CodingKey {
        case id
        case name
        case region
        case createdAt = "created_at"
        case features
    }
}

/// `POST /v1/core/environments`.
public struct CreateEnvironmentRequest: RequestFields, Hashable {
    public var name: String
    /// The region's name.
    public var region: String

    public init(name: String, region: String) {
        (self.name, self.region) = (name, region)
    }

    public enum CodingKeys: String, CodingKey, CaseIterable {
        case name
        case region
    }
}

/// A body that holds a new name alone.
public struct RenameRequest: RequestFields, Hashable {
    public var name: String

    public init(name: String) {
        self.name = name
    }

    public enum CodingKeys: String, CodingKey, CaseIterable {
        case name
    }
}

/// How many machines an environment's network has addresses for.
public struct EnvironmentQuotaBody: Codable, Sendable, Hashable {
    public var status = true
    public var message = "Getting VM quota successful"
    public var availableVMs: Int
    public var currentVMs: Int
    public var maximumVMs: Int
    /// 0 to 100.
    public var percentageUsed: Double
    /// The environment's private network.
    public var cidr: String

    public init(current: Int, maximum: Int, cidr: String) {
        (currentVMs, maximumVMs, self.cidr) = (current, maximum, cidr)
        availableVMs = maximum - current
        percentageUsed = maximum == 0 ? 100 : Double(current) / Double(maximum) * 100
    }

    private enum CodingKeys: String, CodingKey {
        case status
        case message
        case availableVMs = "available_vms"
        case currentVMs = "current_vms"
        case maximumVMs = "max_vms"
        case percentageUsed = "percentage_used"
        case cidr
    }
}
