// SPDX-License-Identifier: Apache-2.0

/// A packet filter rule that a client asks for.
public struct SecurityRuleRequest: RequestFields, Hashable {
    /// `ingress` or `egress`.
    public var direction: String
    /// `IPv4` or `IPv6`.
    public var ethertype: String
    /// One of the API's protocol names, such as `tcp`, `icmp` or `any`.
    public var `protocol`: String
    /// A network in CIDR form.
    public var remoteIPPrefix: String
    public var portRangeMin: Int?
    public var portRangeMax: Int?

    public init(
        direction: String,
        ethertype: String = "IPv4",
        protocol: String,
        remoteIPPrefix: String = "0.0.0.0/0",
        portRangeMin: Int? = nil,
        portRangeMax: Int? = nil
    ) {
        (self.direction, self.ethertype, self.protocol) = (direction, ethertype, `protocol`)
        self.remoteIPPrefix = remoteIPPrefix
        (self.portRangeMin, self.portRangeMax) = (portRangeMin, portRangeMax)
    }

    public enum CodingKeys: String, CodingKey, CaseIterable {
        case direction
        case ethertype
        case `protocol`
        case remoteIPPrefix = "remote_ip_prefix"
        case portRangeMin = "port_range_min"
        case portRangeMax = "port_range_max"
    }
}

/// A rule that a virtual machine has.
public struct SecurityRuleBody: AnswerContent, Hashable {
    public static let singular = "security_rule"
    public static let plural = "security_rules"

    public var id: Int64
    public var direction: String
    public var ethertype: String
    public var `protocol`: String
    public var remoteIPPrefix: String
    @Nullable public var portRangeMin: Int?
    @Nullable public var portRangeMax: Int?
    /// `pending` or `SUCCESS`.
    public var status: String
    public var createdAt: Timestamp

    public init(
        id: Int64,
        rule: SecurityRuleRequest,
        status: String,
        createdAt: Timestamp
    ) {
        self.id = id
        (direction, ethertype, `protocol`) = (rule.direction, rule.ethertype, rule.protocol)
        remoteIPPrefix = rule.remoteIPPrefix
        _portRangeMin = Nullable(wrappedValue: rule.portRangeMin)
        _portRangeMax = Nullable(wrappedValue: rule.portRangeMax)
        (self.status, self.createdAt) = (status, createdAt)
    }

    private enum CodingKeys: String, CodingKey {
        case id
        case direction
        case ethertype
        case `protocol`
        case remoteIPPrefix = "remote_ip_prefix"
        case portRangeMin = "port_range_min"
        case portRangeMax = "port_range_max"
        case status
        case createdAt = "created_at"
    }
}
