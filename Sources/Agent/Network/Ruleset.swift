// SPDX-License-Identifier: Apache-2.0

package import GantryModel
import GantryProtocol

/// Our two nftables tables as one script, a pure function of the machines that are wanted on the host.
///
/// The script replaces both tables in one transaction and touches nothing else. Everything in it comes from numbers,
/// addresses and names of our own; no text of a tenant's.
package struct Ruleset: Sendable {
    private let members: [NetworkMember]
    private let pools: [Subnet]

    package init(members: [NetworkMember], pools: [Subnet]) {
        self.members = members.sorted { $0.machineID < $1.machineID }
        self.pools = pools.sorted { $0.base < $1.base }
    }

    /// What `nft -f -` reads.
    package var text: String {
        """
        add table bridge gantry
        delete table bridge gantry
        add table inet gantry
        delete table inet gantry

        \(bridgeTable)
        \(inetTable)
        """
    }

    // MARK: - Frames

    /// Stateless, since connection tracking of bridges is not in every kernel: a guest sends from its own addresses
    /// alone, plays no DHCP server, and speaks no IPv6, which it has no address for.
    private var bridgeTable: String {
        let jumps = members.map { "\"\($0.tap)\" : jump from_\($0.machineID)" }
        return """
            table bridge gantry {
            \(members.map(fromGuest).joined())    chain prerouting {
                    type filter hook prerouting priority -300; policy accept;
            \(jumps.isEmpty ? "" : "        iifname vmap { \(jumps.joined(separator: ", ")) }\n")\
                    iifname "gtap*" drop
                }
            }

            """
    }

    private func fromGuest(_ member: NetworkMember) -> String {
        let (mac, address) = (member.attachment.mac, member.attachment.address)
        return """
                chain from_\(member.machineID) {
                    ether saddr != \(mac) drop
                    ether type arp arp saddr ether != \(mac) drop
                    ether type arp arp saddr ip != { 0.0.0.0, \(address) } drop
                    ether type arp accept
                    ether type ip ip saddr 0.0.0.0 udp sport 68 udp dport 67 accept
                    ether type ip ip saddr != \(address) drop
                    ether type ip udp sport 67 drop
                    ether type ip accept
                    drop
                }

            """
    }

    // MARK: - Packets

    private var inetTable: String {
        """
        table inet gantry {
        \(sets)
        \(members.map(chains).joined())\(filterChains)
        \(natChains)
        }

        """
    }

    /// One machine to an address: one that moves between two of this host is both's for a moment.
    private var floating: [(public: IPv4Address, private: IPv4Address)] {
        let pairs = members.compactMap { member in member.attachment.floatingIP.map { ($0, member.attachment.address) }
        }
        return Dictionary(pairs) { _, last in last }.sorted { $0.key < $1.key }
            .map { (public: $0.key, private: $0.value) }
    }

    private var sets: String {
        let subnets = Set(members.map(\.attachment.subnet)).sorted { $0.base < $1.base }
        return [
            set("pools", pools.map(\.description)),
            set("guests", subnets.map(\.description)),
            map("to_private", floating.map { "\($0.public) : \($0.private)" }, type: "ipv4_addr : ipv4_addr"),
            map("to_public", floating.map { "\($0.private) : \($0.public)" }, type: "ipv4_addr : ipv4_addr"),
            verdicts("ingress_of", "to"), verdicts("egress_of", "of"), verdicts("answers_of", "answers_of"),
            verdicts("answers_to", "answers_to"),
        ]
        .joined(separator: "\n")
    }

    /// Leads from each machine's address to a chain of its own.
    private func verdicts(_ name: String, _ chain: String) -> String {
        map(
            name,
            members.map { "\($0.attachment.address) : jump \(chain)_\($0.machineID)" },
            type: "ipv4_addr : verdict"
        )
    }

    private func set(_ name: String, _ elements: [String]) -> String {
        let list = elements.isEmpty ? "" : "elements = { \(elements.joined(separator: ", ")) } "
        return "    set \(name) { type ipv4_addr; flags interval; auto-merge; \(list)}"
    }

    private func map(_ name: String, _ elements: [String], type: String) -> String {
        let list = elements.isEmpty ? "" : "elements = { \(elements.joined(separator: ", ")) } "
        return "    map \(name) { type \(type); \(list)}"
    }

    /// A machine's rules, for what opens a connection and for what answers. What no rule lets pass is dropped; without
    /// egress rules all may leave.
    private func chains(_ member: NetworkMember) -> String {
        let ingress = member.rules.filter { $0.direction == .ingress }
        let egress = member.rules.filter { $0.direction == .egress }
        let id = member.machineID
        return chain("to_\(id)", allow(ingress, .opening, "accept"))
            + chain("of_\(id)", egress.isEmpty ? ["return"] : allow(egress, .opening))
            + chain("answers_of_\(id)", allow(ingress, .answering))
            + chain("answers_to_\(id)", egress.isEmpty ? ["return"] : allow(egress, .answering))
    }

    private func allow(_ rules: [SecurityRule], _ way: Way, _ verdict: String = "return") -> [String] {
        rules.compactMap { match($0, way) }.map { "\($0) \(verdict)" } + ["drop"]
    }

    /// Which way a packet goes on the connection that a rule is about.
    private enum Way { case opening, answering }

    private func chain(_ name: String, _ rules: [String]) -> String {
        "    chain \(name) {\n\(rules.map { "        \($0)\n" }.joined())    }\n"
    }

    /// What a rule matches; nil for one that can match nothing here: guests have no IPv6, and a protocol without a
    /// known number must not open any other.
    private func match(_ rule: SecurityRule, _ way: Way) -> String? {
        guard rule.etherType == .ipv4, case .ipv4(let subnet) = rule.remote,
            let numbers = IPProtocol.numbers(named: rule.protocol)
        else { return nil }
        let comesFromRemote = (rule.direction == .ingress) == (way == .opening)
        let remote = "ip \(comesFromRemote ? "saddr" : "daddr") \(subnet)"
        if let ports = rule.ports, ports.lowerBound > 1 || ports.upperBound < UInt16.max {
            let ported = numbers.intersection(IPProtocol.withPorts)
            if !ported.isEmpty {
                let port = way == .opening ? "dport" : "sport"
                return "\(remote) ip protocol \(list(ported)) th \(port) \(ports.lowerBound)-\(ports.upperBound)"
            }
        }
        return numbers == IPProtocol.all ? remote : "\(remote) ip protocol \(list(numbers))"
    }

    private func list(_ numbers: Set<UInt8>) -> String {
        "{ \(numbers.sorted().map { "\($0)" }.joined(separator: ", ")) }"
    }

    /// Guests have no IPv6 addresses, and so nothing of that version passes, whatever their rules say.
    ///
    /// From outside a guest is reached by its floating IP alone, and a pool's address that is nobody's here is not sent
    /// back to where it came from. A guest may well reach another host's.
    ///
    /// Every packet passes the rules, not only the first of its connection, and an answer passes those of what it
    /// answers. So a connection lasts as long as the rules allow it: one that they no longer do ends with the change,
    /// and the others do not notice it.
    private var filterChains: String {
        let apart = Set(members.map(\.attachment.environmentID)).sorted()
            .map { environment in
                let bridge = EnvironmentNetwork.bridge(of: environment)
                // Another environment is reached through a floating IP alone, as from outside.
                return
                    "        iifname \"\(bridge)\" oifname \"gbr*\" oifname != \"\(bridge)\" ct status & dnat == 0 drop\n"
            }
        return """
                chain forward {
                    type filter hook forward priority filter; policy accept;
                    iifname != "gbr*" ip daddr @pools drop
                    iifname != "gbr*" oifname != "gbr*" accept
                    meta nfproto ipv6 drop
                    ct state related accept
                    ct state invalid drop
                    ct direction reply goto answers
                    iifname != "gbr*" ct status & dnat == 0 drop
            \(apart.joined())        iifname "gbr*" jump egress
                    oifname "gbr*" jump ingress
                }
                chain egress {
                    ip saddr vmap @egress_of
                    ip saddr != @guests drop
                }
                chain ingress {
                    ip daddr vmap @ingress_of
                    drop
                }
                chain answers {
                    iifname "gbr*" ip saddr vmap @answers_of
                    oifname "gbr*" ip daddr vmap @answers_to
                }
                chain input {
                    type filter hook input priority filter; policy accept;
                    iifname "gbr*" jump from_guests
                }
                chain from_guests {
                    ct state established,related accept
                    udp dport { 53, 67 } accept
                    tcp dport 53 accept
                    ip daddr \(FloatingIPs.metadataAddress) tcp dport \(FloatingIPs.metadataPort) accept
                    drop
                }
            """
    }

    private var natChains: String {
        """
            chain prerouting {
                type nat hook prerouting priority dstnat; policy accept;
                dnat ip to ip daddr map @to_private
            }
            chain output {
                type nat hook output priority -100; policy accept;
                dnat ip to ip daddr map @to_private
            }
            chain postrouting {
                type nat hook postrouting priority srcnat; policy accept;
                oifname "gbr*" ct status & dnat != 0 fib saddr type local masquerade
                ip saddr @guests ip daddr @guests ct status & dnat == 0 accept
                snat ip to ip saddr map @to_public
                ip saddr @guests masquerade
            }
        """
    }
}
