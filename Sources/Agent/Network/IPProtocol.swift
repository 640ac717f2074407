// SPDX-License-Identifier: Apache-2.0

/// The protocol names of the API and their numbers (IANA, Assigned Internet Protocol Numbers).
package enum IPProtocol {
    /// Every protocol.
    package static let all = Set(UInt8.min...UInt8.max)

    /// Those whose header begins with a source and a destination port.
    package static let withPorts: Set<UInt8> = [6, 17, 33, 132, 136]

    /// The numbers that a name stands for; nil for an unknown name.
    package static func numbers(named name: String) -> Set<UInt8>? {
        ["any", "ip"].contains(name) ? all : numbers[name].map { [$0] }
    }

    private static let numbers: [String: UInt8] = [
        "ah": 51, "dccp": 33, "egp": 8, "esp": 50, "gre": 47, "hopopt": 0, "icmp": 1, "igmp": 2, "ipip": 4,
        "ipv6-encap": 41, "ipv6-frag": 44, "ipv6-icmp": 58, "icmpv6": 58, "ipv6-nonxt": 59, "ipv6-opts": 60,
        "ipv6-route": 43, "ospf": 89, "pgm": 113, "rsvp": 46, "sctp": 132, "tcp": 6, "udp": 17, "udplite": 136,
        "vrrp": 112,
    ]
}
