// SPDX-License-Identifier: Apache-2.0

/// How much of a node's amounts may be given out, relative to what it has. What is nil is 1.
public struct RatiosBody: RequestFields, Hashable {
    /// 0.1 to 64.
    public var vcpu: Double?
    /// 0.1 to 8.
    public var memory: Double?
    /// 0.1 to 64.
    public var disk: Double?

    public init(vcpu: Double? = nil, memory: Double? = nil, disk: Double? = nil) {
        (self.vcpu, self.memory, self.disk) = (vcpu, memory, disk)
    }

    public enum CodingKeys: String, CodingKey, CaseIterable {
        case vcpu
        case memory
        case disk
    }
}

/// `POST /v1/admin/nodes`.
public struct CreateNodeRequest: RequestFields, Hashable {
    /// One DNS label.
    public var name: String
    /// The region's name.
    public var region: String
    public var ratios: RatiosBody?

    public init(name: String, region: String, ratios: RatiosBody? = nil) {
        (self.name, self.region, self.ratios) = (name, region, ratios)
    }

    public static var innerFields: [String: any RequestFields.Type] { ["ratios": RatiosBody.self] }

    public enum CodingKeys: String, CodingKey, CaseIterable {
        case name
        case region
        case ratios
    }
}

/// `POST /v1/admin/nodes/{name}/cordon` and `POST /v1/admin/gpus/{id}/cordon`.
public struct CordonRequest: RequestFields, Hashable {
    /// For other operators.
    public var reason: String

    public init(reason: String) {
        self.reason = reason
    }

    public enum CodingKeys: String, CodingKey, CaseIterable {
        case reason
    }
}

/// What a node's agent needs to be let in. Shown once.
public struct NodeCredentialsBody: AnswerContent, Hashable {
    public static let singular = "credentials"
    public static let plural = "credentials"

    /// The node's name.
    public var node: String
    public var apiKey: String
    /// With user and password.
    public var amqpURL: String

    public init(node: String, apiKey: String, amqpURL: String) {
        (self.node, self.apiKey, self.amqpURL) = (node, apiKey, amqpURL)
    }

    private enum CodingKeys: String, CodingKey {
        case node
        case apiKey = "api_key"
        case amqpURL = "amqp_url"
    }
}
