// SPDX-License-Identifier: Apache-2.0

/// A firewall: rules that several virtual machines of one environment have in common.
public struct FirewallBody: AnswerContent, Hashable {
    public static let singular = "firewall"
    public static let plural = "firewalls"

    public var id: Int64
    public var name: String
    public var description: String
    public var environment: Environment
    /// `pending` while a node of its machines does not have it as it is now, then `SUCCESS`.
    public var status: String
    public var rules: [SecurityRuleBody]
    public var attachments: [Attachment]
    public var createdAt: Timestamp

    public init(
        id: Int64,
        name: String,
        description: String,
        environment: Environment,
        status: String,
        rules: [SecurityRuleBody],
        attachments: [Attachment],
        createdAt: Timestamp
    ) {
        (self.id, self.name, self.description, self.environment) = (id, name, description, environment)
        (self.status, self.rules, self.attachments, self.createdAt) = (status, rules, attachments, createdAt)
    }

    private enum CodingKeys: String, CodingKey {
        case id
        case name
        case description
        case environment
        case status
        case rules
        case attachments
        case createdAt = "created_at"
    }

    public struct Environment: Codable, Sendable, Hashable {
        public var id: Int64
        public var name: String
        /// The region's name.
        public var region: String

        public init(id: Int64, name: String, region: String) {
            (self.id, self.name, self.region) = (id, name, region)
        }
    }

    /// That a machine has the firewall.
    public struct Attachment: Codable, Sendable, Hashable {
        public var id: Int64
        /// `pending` or `SUCCESS`.
        public var status: String
        public var vm: Machine
        public var createdAt: Timestamp

        public init(id: Int64, status: String, vm: Machine, createdAt: Timestamp) {
            (self.id, self.status, self.vm, self.createdAt) = (id, status, vm, createdAt)
        }

        private enum CodingKeys: String, CodingKey {
            case id
            case status
            case vm
            case createdAt = "created_at"
        }
    }

    public struct Machine: Codable, Sendable, Hashable {
        public var id: Int64
        public var name: String
        /// The environment's name.
        public var environment: String
        /// The flavor's name.
        public var flavor: String
        public var status: String
        public var createdAt: Timestamp

        public init(
            id: Int64,
            name: String,
            environment: String,
            flavor: String,
            status: String,
            createdAt: Timestamp
        ) {
            (self.id, self.name, self.environment) = (id, name, environment)
            (self.flavor, self.status, self.createdAt) = (flavor, status, createdAt)
        }

        private enum CodingKeys: String, CodingKey {
            case id
            case name
            case environment
            case flavor
            case status
            case createdAt = "created_at"
        }
    }
}

/// A firewall's rule, in an answer of its own.
public struct FirewallRuleBody: AnswerContent, Hashable {
    public static let singular = "firewall_rule"
    public static let plural = "firewall_rules"

    public var rule: SecurityRuleBody

    public init(_ rule: SecurityRuleBody) {
        self.rule = rule
    }

    public init(from decoder: any Decoder) throws {
        rule = try SecurityRuleBody(from: decoder)
    }

    public func encode(to encoder: any Encoder) throws {
        try rule.encode(to: encoder)
    }
}
