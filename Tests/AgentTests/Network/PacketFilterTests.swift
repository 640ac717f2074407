// SPDX-License-Identifier: Apache-2.0

import Agent
import GantryModel
import GantryProtocol
import GantryTestSupport
import Testing

@Suite("Packets go where the rules let them, and nowhere else (root)", .serialized)
struct PacketFilterTests {
    private func member(
        _ id: Int64,
        environment: Int64,
        floatingIP: String? = nil,
        _ rules: [SecurityRule]
    ) throws -> NetworkMember {
        let spec = try Example.spec(
            environment: environment,
            index: Int(id),
            floatingIP: floatingIP,
            rules: rules
        )
        return try #require(NetworkMember(try Example.task(uuid: MachineUUID().description, id: id, spec: spec)))
    }

    /// Guest 7 has a floating IP and is open to all at 22, 8 to its environment at 22, 9 may only reach out to 22.
    private func load(into lab: PacketLab) async throws {
        let members = [
            try member(7, environment: 3, floatingIP: "192.0.2.7", [Example.rule("tcp", ports: 22...22)]),
            try member(8, environment: 3, [Example.rule("tcp", from: "10.3.0.0/24", ports: 22...22)]),
            try member(9, environment: 4, [Example.rule("tcp", .egress, ports: 22...22)]),
        ]
        let ruleset = Ruleset(members: members, pools: [try Subnet("192.0.2.0/24")])
        try await lab.exec("host", "ip address add 192.0.2.7/32 dev gantry-fip")
        try await lab.exec("host", "nft -f -", input: ruleset.text)
    }

    @Test("From outside, by the floating IP and an open port alone")
    func outside() async throws {
        try await PacketLab.with { lab in
            try await load(into: lab)
            try await lab.expect("out", at: 22, of: "192.0.2.7", sees: "198.51.100.1")
            #expect(try await lab.connect(from: "out", to: "192.0.2.7", 81) == nil)
            #expect(try await lab.connect(from: "out", to: "10.3.0.7", 22) == nil)
            #expect(try await lab.connect(from: "out", to: "192.0.2.99", 22) == nil)
            // The host itself is not the filter's business.
            try await lab.expect("out", at: 22, of: "198.51.100.2", sees: "198.51.100.1")
        }
    }

    @Test("Nothing of IPv6 comes to a guest or leaves it, though a rule speaks of it")
    func ipv6() async throws {
        try await withTemporaryDirectory { folder in
            try await PacketLab.with { lab in
                let network = "sysctl -qw net.ipv6.conf.all.disable_ipv6=0"
                // Neighbours are known beforehand, so that nothing but the filter is in the way.
                try await lab.exec(
                    "host",
                    """
                    \(network) net.ipv6.conf.all.forwarding=1
                    ip address add 2001:db8:1::2/64 dev uplink nodad; ip address add 2001:db8:3::1/64 dev gbr3 nodad
                    ip neighbour add 2001:db8:3::7 lladdr 02:00:00:00:03:07 dev gbr3
                    """
                )
                try await lab.exec(
                    "out",
                    """
                    \(network); ip address add 2001:db8:1::1/64 dev uplink nodad
                    ip route add 2001:db8:3::/64 via 2001:db8:1::2
                    """
                )
                try await lab.exec(
                    "gtap7",
                    """
                    \(network); ip address add 2001:db8:3::7/64 dev eth0 nodad
                    ip route add 2001:db8:1::/64 via 2001:db8:3::1
                    ip neighbour add 2001:db8:3::1 lladdr $(ip netns exec \(lab.place("host")) cat /sys/class/net/gbr3/address) \
                        dev eth0
                    """
                )
                let routes = [("out", "gtap7", "2001:db8:3::7"), ("gtap7", "out", "2001:db8:1::1")]
                for (from, to, address) in routes {
                    try await eventually("without a filter \(from) reaches \(to)") {
                        try await lab.sends(from: from, to: to, at: address, in: folder)
                    }
                }
                let rules = try [SecurityRule.Direction.ingress, .egress]
                    .map { try Example.rule("any", $0, from: "::/0", etherType: .ipv6) }
                let members = [try member(7, environment: 3, rules)]
                try await lab.exec("host", "nft -f -", input: Ruleset(members: members, pools: []).text)
                for (from, to, address) in routes {
                    #expect(try await !lab.sends(from: from, to: to, at: address, in: folder), "\(from) to \(to)")
                }
            }
        }
    }

    /// Guest 7 is open to all at a port, 8 to its environment at port 7, 9 may only reach out to a port.
    private func change(_ lab: PacketLab, to port: UInt16, _ name: String = "tcp") async throws {
        let members = [
            try member(7, environment: 3, floatingIP: "192.0.2.7", [Example.rule(name, ports: port...port)]),
            // Other words for the same.
            try member(8, environment: 3, [Example.rule("tcp", from: "10.3.0.0/24", ports: min(7, port)...7)]),
            try member(9, environment: 4, [Example.rule("tcp", .egress, ports: port...port)]),
        ]
        let ruleset = Ruleset(members: members, pools: [try Subnet("192.0.2.0/24")])
        try await lab.exec("host", "nft -f -", input: ruleset.text)
    }

    @Test("A change ends the connections that it does not allow any more, and no others")
    func change() async throws {
        try await withTemporaryDirectory { folder in
            try await PacketLab.with { lab in
                try await lab.exec("host", "ip address add 192.0.2.7/32 dev gantry-fip")
                try await change(lab, to: 7)
                let inward = try await lab.talk(from: "out", to: "192.0.2.7", in: folder)
                let between = try await lab.talk(from: "gtap7", to: "10.3.0.8", in: folder)
                let outward = try await lab.talk(from: "gtap7", to: "198.51.100.1", in: folder)
                let limited = try await lab.talk(from: "gtap9", to: "198.51.100.1", in: folder)
                try await change(lab, to: 6)
                #expect(try await lab.goesOn(between))
                #expect(try await lab.goesOn(outward))
                #expect(try await !lab.goesOn(inward))
                #expect(try await !lab.goesOn(limited))
            }
        }
    }

    @Test("A guest that streams to somebody whom it may not answer any more is not heard any more")
    func stream() async throws {
        try await withTemporaryDirectory { folder in
            try await PacketLab.with { lab in
                let heard = folder + "/heard"
                try await lab.exec("host", "ip address add 192.0.2.7/32 dev gantry-fip")
                try await change(lab, to: 7, "udp")
                let stream = "SYSTEM:'while sleep 0.1; do echo on; done'"
                try await lab.exec("gtap7", "setsid socat UDP4-LISTEN:7,fork \(stream) >/dev/null 2>&1 &")
                let client = "while sleep 0.2; do echo; done | socat - UDP4:192.0.2.7:7 >\(heard)"
                try await lab.exec("out", "(\(client)) >/dev/null 2>&1 &")
                let lines = "wc -l <\(heard); sleep 0.5; wc -l <\(heard)"
                func isGrowing() async throws -> Bool {
                    let counts = try await shell("sh", "-c", lines).split(separator: "\n")
                    return counts.first != counts.last
                }
                try await eventually("the stream is heard") { try await isGrowing() }
                try await change(lab, to: 6, "udp")
                try await eventually("the stream ends", timeout: .seconds(10)) { try await !isGrowing() }
            }
        }
    }

    @Test("To the outside, as the floating IP or as the host, also to another host's floating IP")
    func outward() async throws {
        try await PacketLab.with { lab in
            try await load(into: lab)
            try await lab.expect("gtap7", at: 81, of: "198.51.100.1", sees: "192.0.2.7")
            try await lab.expect("gtap8", at: 81, of: "198.51.100.1", sees: "198.51.100.2")
            try await lab.expect("gtap8", at: 22, of: "192.0.2.50", sees: "198.51.100.2")
            try await lab.expect("gtap9", at: 22, of: "198.51.100.1", sees: "198.51.100.2")
            #expect(try await lab.connect(from: "gtap9", to: "198.51.100.1", 81) == nil)
        }
    }

    @Test("Between guests, by the rules in an environment, and only through a floating IP between two")
    func between() async throws {
        try await PacketLab.with { lab in
            try await load(into: lab)
            try await lab.expect("gtap7", at: 22, of: "10.3.0.8", sees: "10.3.0.7")
            #expect(try await lab.connect(from: "gtap7", to: "10.3.0.8", 81) == nil)
            #expect(try await lab.connect(from: "gtap9", to: "10.3.0.7", 22) == nil)
            try await lab.expect("gtap9", at: 22, of: "192.0.2.7", sees: "10.3.0.1")
            try await lab.expect("gtap8", at: 22, of: "192.0.2.7", sees: "10.3.0.1")
            try await lab.expect("gtap7", at: 22, of: "192.0.2.7", sees: "192.0.2.7")
            #expect(try await lab.connect(from: "gtap7", to: "10.4.0.9", 22) == nil)
        }
    }

    @Test("To the host, the metadata service alone")
    func host() async throws {
        try await PacketLab.with { lab in
            try await load(into: lab)
            try await lab.expect("gtap7", at: 80, of: "169.254.169.254", sees: "10.3.0.7")
            #expect(try await lab.connect(from: "gtap7", to: "169.254.169.254", 22) == nil)
            #expect(try await lab.pings("gtap7", "198.51.100.1"), "the outside may be asked for an echo")
            for address in ["10.3.0.1", "10.4.0.1", "198.51.100.2"] {
                #expect(try await lab.connect(from: "gtap7", to: address, 80) == nil, "\(address)")
                #expect(try await !lab.pings("gtap7", address), "\(address)")
            }
        }
    }

    @Test("Not from an address or a network card that is another's")
    func spoofing() async throws {
        try await PacketLab.with { lab in
            try await load(into: lab)
            try await lab.exec("gtap8", "ip address add 10.3.0.66/24 dev eth0")
            try await lab.expect("gtap8", as: "10.3.0.8", at: 22, of: "198.51.100.1", sees: "198.51.100.2")
            #expect(try await lab.connect(from: "gtap8", to: "198.51.100.1", 22, as: "10.3.0.66") == nil)
            try await lab.exec(
                "gtap8",
                "ip address del 10.3.0.66/24 dev eth0; ip link set eth0 address 02:00:00:00:03:07"
            )
            #expect(try await lab.connect(from: "gtap8", to: "198.51.100.1", 22) == nil)
        }
    }

    @Test("A tap without a machine reaches nothing; without the filter all would be open")
    func unknown() async throws {
        try await PacketLab.with { lab in
            let pool = try Subnet("192.0.2.0/24")
            try await lab.exec("host", "nft -f -", input: Ruleset(members: [], pools: [pool]).text)
            #expect(try await lab.connect(from: "gtap7", to: "10.3.0.1", 80) == nil)
            #expect(try await lab.connect(from: "out", to: "10.3.0.7", 22) == nil)
            try await lab.exec("host", "nft delete table bridge gantry; nft delete table inet gantry")
            try await lab.expect("gtap7", at: 80, of: "10.3.0.1", sees: "10.3.0.7")
            try await lab.expect("out", at: 22, of: "10.3.0.7", sees: "198.51.100.1")
        }
    }
}
