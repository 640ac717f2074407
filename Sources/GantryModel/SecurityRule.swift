// SPDX-License-Identifier: Apache-2.0

/// What one packet filter rule allows. Everything that no rule allows is dropped.
public struct SecurityRule: Hashable, Sendable, Codable {
    public enum Direction: String, Hashable, Sendable, Codable { case ingress, egress }
    public enum EtherType: String, Hashable, Sendable, Codable {
        case ipv4 = "IPv4"
        case ipv6 = "IPv6"
    }

    public let direction: Direction
    public let etherType: EtherType
    /// One of the API's protocol names, such as `tcp`, `icmp` or `any`.
    public let `protocol`: String
    /// Of the rule's ethertype, or `0.0.0.0/0`, which stands for everything in rules for IPv6 too.
    public let remote: IPPrefix
    /// The ports, for protocols that have them; nil is all.
    public let ports: ClosedRange<UInt16>?

    public init(
        direction: Direction,
        etherType: EtherType,
        protocol: String,
        remote: IPPrefix,
        ports: ClosedRange<UInt16>?
    ) {
        self.direction = direction
        self.etherType = etherType
        self.protocol = `protocol`
        self.remote = remote
        self.ports = ports
    }

    private enum CodingKeys: String, CodingKey {
        case direction
        case etherType = "ethertype"
        case `protocol`
        case remote
        case ports
    }
}
