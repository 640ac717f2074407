// SPDX-License-Identifier: Apache-2.0

import GantryModel
import GantryProtocol

extension SecurityRule {
    /// The protocols that a rule may name, as the vendor lists them.
    static let protocols = [
        "any", "ah", "dccp", "egp", "esp", "gre", "hopopt", "icmp", "igmp", "ip", "ipip", "ipv6-encap", "ipv6-frag",
        "ipv6-icmp", "icmpv6", "ipv6-nonxt", "ipv6-opts", "ipv6-route", "ospf", "pgm", "rsvp", "sctp", "tcp", "udp",
        "udplite", "vrrp",
    ]

    /// - Parameters:
    ///   - request: what a client asks for.
    ///   - place: what its complaint names before the field, such as `security_rules[0]`; nil for a body of its own.
    /// - Throws: ``APIError`` that names the part that cannot be.
    init(_ request: SecurityRuleRequest, in place: String? = nil) throws(APIError) {
        let field = place.map { $0 + "." } ?? ""
        guard let direction = Direction(rawValue: request.direction) else {
            throw .invalid("\(field)direction", "“\(request.direction)” is neither ingress nor egress.")
        }
        guard let etherType = EtherType(rawValue: request.ethertype) else {
            throw .invalid("\(field)ethertype", "“\(request.ethertype)” is neither IPv4 nor IPv6.")
        }
        guard Self.protocols.contains(request.protocol) else {
            throw .invalid(
                "\(field)protocol",
                "“\(request.protocol)” is no protocol; use one of \(Self.protocols.joined(separator: ", "))."
            )
        }
        self.init(
            direction: direction,
            etherType: etherType,
            protocol: request.protocol,
            remote: try Self.remote(request.remoteIPPrefix, etherType, field),
            ports: try Self.ports(request, field)
        )
    }

    private static func remote(
        _ text: String,
        _ etherType: EtherType,
        _ field: String
    ) throws(APIError) -> IPPrefix {
        let prefix: IPPrefix
        do throws(InvalidValue) {
            prefix = try IPPrefix(text)
        } catch {
            throw .invalid("\(field)remote_ip_prefix", error.description)
        }
        switch (etherType, prefix) {
        case (.ipv4, .ipv4), (.ipv6, .ipv6), (.ipv6, Self.anywhere): return prefix
        case (.ipv4, .ipv6), (.ipv6, .ipv4):
            throw .invalid(
                "\(field)remote_ip_prefix",
                "\(prefix) is no \(etherType.rawValue) network, as ethertype wants it."
            )
        }
    }

    private static func ports(
        _ request: SecurityRuleRequest,
        _ field: String
    ) throws(APIError) -> ClosedRange<UInt16>? {
        guard let low = request.portRangeMin ?? request.portRangeMax else { return nil }
        let high = request.portRangeMax ?? low
        guard let from = UInt16(exactly: low), let to = UInt16(exactly: high), from <= to else {
            throw .invalid(
                "\(field)port_range_min",
                "\(low) to \(high) is no range of ports; they go from 0 to 65535, the lower one first."
            )
        }
        return from...to
    }
}
