// SPDX-License-Identifier: Apache-2.0

import Agent
import GantryModel
import GantryProtocol
import GantryTestSupport
import Testing

@Suite("The packet filter's rules follow from the machines that are wanted, and nft takes them")
struct RulesetTests {
    private static let situations = ["nobody", "floating-ip", "environments", "rules", "egress", "ipv6", "overlaps"]

    private func member(
        _ id: Int64,
        environment: Int64 = 3,
        index: Int,
        floatingIP: String? = nil,
        rules: [SecurityRule] = []
    ) throws -> NetworkMember {
        let spec = try Example.spec(environment: environment, index: index, floatingIP: floatingIP, rules: rules)
        return try #require(NetworkMember(try Example.task(uuid: MachineUUID().description, id: id, spec: spec)))
    }

    private func ruleset(_ situation: String) throws -> Ruleset {
        let pool = try Subnet("192.0.2.0/24")
        switch situation {
        case "floating-ip":
            let rules = [try Example.rule("tcp", ports: 22...22)]
            return Ruleset(members: [try member(7, index: 7, floatingIP: "192.0.2.7", rules: rules)], pools: [pool])
        case "environments":
            return Ruleset(
                members: [
                    try member(21, environment: 4, index: 2), try member(9, index: 9, floatingIP: "192.0.2.9"),
                    try member(8, index: 8), try member(20, environment: 4, index: 1, floatingIP: "192.0.2.20"),
                ],
                pools: [try Subnet("198.51.100.0/26"), pool]
            )
        case "rules":
            return Ruleset(members: [try member(7, index: 7, rules: Self.manyRules())], pools: [])
        case "egress":
            let rules = [
                try Example.rule("udp", .egress, from: "203.0.113.5/32", ports: 53...53),
                try Example.rule("any", .egress, from: "10.3.0.0/24"),
                try Example.rule("any", .egress, etherType: .ipv6),
            ]
            return Ruleset(members: [try member(7, index: 7, rules: rules)], pools: [pool])
        case "ipv6":
            let rules = [
                try Example.rule("tcp", from: "2001:db8::/32", ports: 22...22, etherType: .ipv6),
                try Example.rule("any", .egress, from: "::/0", etherType: .ipv6),
                // No conductor sends it, and it must break nothing.
                try Example.rule("udp", from: "2001:db8::/32"),
            ]
            return Ruleset(members: [try member(7, index: 7, rules: rules)], pools: [pool])
        case "overlaps":
            // Pools may overlap, and an address that moves is two machines' for a moment.
            return Ruleset(
                members: [
                    try member(7, index: 7, floatingIP: "192.0.2.7"), try member(8, index: 8, floatingIP: "192.0.2.7"),
                ],
                pools: [pool, try Subnet("192.0.2.128/25"), pool]
            )
        default:
            return Ruleset(members: [], pools: [pool])
        }
    }

    private static func manyRules() throws -> [SecurityRule] {
        [
            try Example.rule("tcp", from: "198.51.100.0/24", ports: 22...22),
            try Example.rule("tcp", ports: 8000...8099),
            try Example.rule("tcp"),
            try Example.rule("udp", ports: 1...65535),
            try Example.rule("icmp", ports: 1...65535),
            try Example.rule("gre", from: "203.0.113.7/32"),
            try Example.rule("any", from: "10.3.0.0/24"),
            try Example.rule("any", ports: 443...443),
            try Example.rule("ip", from: "10.9.0.0/16", ports: 0...65535),
            // None of these may open anything.
            try Example.rule("tcp", ports: 23...23, etherType: .ipv6),
            try Example.rule("a-protocol-of-tomorrow"),
        ]
    }

    @Test("One situation, one file", arguments: situations)
    func golden(_ situation: String) async throws {
        try await expectGolden(try ruleset(situation).text, "ruleset-\(situation).nft")
    }

    @Test("nft loads each in a network namespace of its own, twice, beside somebody's rules", arguments: situations)
    func nft(_ situation: String) async throws {
        let others = "table inet theirs { chain c { tcp dport 9 drop; }; }\n"
        let text = try ruleset(situation).text
        let script = "nft -f - <<END && nft -f - <<END && nft list ruleset\n\(others)\(text)END\n\(text)END"
        let loaded = try await shell("unshare", "--net", "sh", "-c", script)
        #expect(loaded.contains("table bridge gantry") && loaded.contains("table inet gantry"))
        #expect(loaded.contains("tcp dport 9 drop"))
    }

    @Test("nft takes every protocol that the API names")
    func protocols() async throws {
        let names = [
            "any", "ah", "dccp", "egp", "esp", "gre", "hopopt", "icmp", "igmp", "ip", "ipip", "ipv6-encap", "ipv6-frag",
            "ipv6-icmp", "icmpv6", "ipv6-nonxt", "ipv6-opts", "ipv6-route", "ospf", "pgm", "rsvp", "sctp", "tcp", "udp",
            "udplite", "vrrp",
        ]
        let rules = try names.flatMap { [try Example.rule($0), try Example.rule($0, .egress, ports: 5...6)] }
        for name in names { #expect(IPProtocol.numbers(named: name) != nil, "\(name)") }
        let text = Ruleset(members: [try member(7, index: 7, rules: rules)], pools: []).text
        try await shell("unshare", "--net", "nft", "-c", "-f", "-", input: text)
    }
}
