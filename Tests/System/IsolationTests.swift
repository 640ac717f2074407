// SPDX-License-Identifier: Apache-2.0

import Foundation
import GantryClient
import GantryModel
import GantryProtocol
import GantryTestSupport
import Testing

@Suite("What a guest can reach and what reaches it, seen from inside and by packets (root)", .serialized)
struct IsolationTests {
    @Test("Nothing but what the rules allow; own metadata; no forged address", .timeLimit(.minutes(10)))
    func isolation() async throws {
        try await SystemCloud.with { cloud in
            let agent = try cloud.startAgent()
            let guests = try await Guests(in: cloud)
            // What cannot be reached takes its time to say so.
            async let ingress: Void = fromOutside(guests)
            async let neighbours: Void = betweenGuests(guests)
            async let host: Void = toTheHost(guests)
            try await metadata(guests)
            _ = try await (ingress, neighbours, host)
            try await forgery(guests)
            for machine in [guests.alpha, guests.beta, guests.gamma] { try await cloud.remove(machine) }
            try await Auditor.expectNothingLeft(of: cloud)
            #expect(try await agent.stop() == 0)
        }
    }

    private func fromOutside(_ guests: Guests) async throws {
        let beta = try #require(guests.beta.floatingIP)
        try await eventually("the allowed port answers") { try await guests.outside(beta, 8080) == "beta" }
        #expect(try await guests.outside(beta, 8081) == nil)
        #expect(try await guests.cloud.outside("ping", "-c", "1", "-W", "2", beta).status != 0)
        // The pool's other addresses are nobody's.
        #expect(try await guests.outside("198.51.100.190", 22) == nil)
    }

    private func betweenGuests(_ guests: Guests) async throws {
        let beta = try #require(guests.beta.fixedIP)
        try await eventually("beta's SSH answers alpha") { try await guests.fromAlpha(beta, 22).hasPrefix("SSH-2.0") }
        #expect(try await guests.fromAlpha(beta, 8080) == "", "that port is for one address outside alone")
        #expect(try await guests.fromAlpha(try #require(guests.gamma.fixedIP), 22) == "")
        let gamma = try #require(guests.gamma.floatingIP)
        try await eventually("gamma's SSH answers alpha") { try await guests.fromAlpha(gamma, 22).hasPrefix("SSH-2.0") }
    }

    private func toTheHost(_ guests: Guests) async throws {
        let log = guests.cloud.folder + "/listener.log"
        let listener = try ProgramProcess(
            guests.cloud.hosts[0].entry + ["socat", "TCP-LISTEN:7777,fork,reuseaddr", "SYSTEM:echo the host"],
            environment: [:],
            log: log
        )
        let uplink = "198.51.100.10"
        try await eventually("the host's service answers") { try await guests.outside(uplink, 7777) == "the host" }
        #expect(try await guests.fromAlpha(guests.gateway, 7777) == "")
        #expect(try await guests.fromAlpha(uplink, 7777) == "")
        let query = "nslookup -type=a localhost \(guests.gateway) >/dev/null 2>&1; echo $?"
        try await eventually("DNS is answered") { try await guests.cloud.ssh(guests.alpha, query) == "0" }
        try await listener.kill()
    }

    private func metadata(_ guests: Guests) async throws {
        let cloud = guests.cloud
        let token = try await guests.token(of: guests.alpha)
        for (path, value) in [
            ("instance-id", "\(try await cloud.uuid(guests.alpha))"), ("hostname", "alpha"),
            ("local-ipv4", guests.alpha.fixedIP), ("public-ipv4", guests.alpha.floatingIP),
        ] {
            try await eventually("\(path) is alpha's") {
                try await guests.metadata(path, of: guests.alpha, token) == value
            }
        }
        #expect(try await guests.metadata("instance-id", of: guests.alpha, "") == nil, "no token, no data")
        #expect(try await guests.metadata("instance-id", of: guests.beta, token) == nil, "the token is another's")
        let own = try await guests.token(of: guests.beta)
        try await eventually("beta gets its own") {
            try await guests.metadata("hostname", of: guests.beta, own) == "beta"
        }
    }

    /// Has alpha send as beta, and as somebody unknown; the host counts what comes through.
    private func forgery(_ guests: Guests) async throws {
        let (alpha, beta) = (try #require(guests.alpha.fixedIP), try #require(guests.beta.fixedIP))
        let own = try #require(try await guests.cloud.ssh(guests.alpha, "cat /sys/class/net/eth0/address"))
        let probe = PacketProbe(on: guests.cloud.hosts[0])
        try await probe.count([
            "ether saddr \(own) ip saddr \(alpha)", "ether saddr \(own) ip saddr \(beta)",
            "ether saddr 02:66:66:66:66:66",
        ])
        let forge = """
            ping -c 2 -W 1 \(guests.gateway)
            ip address add \(beta)/32 dev eth0
            ping -c 2 -W 1 -I \(beta) \(guests.gateway)
            arping -U -c 2 -w 2 -I eth0 -s \(beta) \(beta)
            ip address del \(beta)/32 dev eth0
            gateway=$(awk '$1 == "\(guests.gateway)" { print $4 }' /proc/net/arp)
            ip link set eth0 address 02:66:66:66:66:66
            arp -s \(guests.gateway) $gateway
            ping -c 2 -W 1 \(guests.gateway)
            arp -d \(guests.gateway)
            ip link set eth0 address \(own)
            touch /forged
            """
        let text = Data(forge.utf8).base64EncodedString()
        let command = "echo \(text) | base64 -d >/forge; setsid sh /forge >/dev/null 2>&1 </dev/null &"
        _ = try await guests.cloud.ssh(guests.alpha, command, asRoot: true)
        try await guests.cloud.login(guests.alpha, "test -e /forged")
        let counts = try await probe.counts()
        #expect(counts[0] > 0, "alpha's own packets come through")
        #expect(counts[1] == 0, "none came through in beta's name")
        #expect(counts[2] == 0, "none came through from a forged MAC address")
        let neighbour = try await guests.cloud.hosts[0].exec("ip", "neigh", "show", beta)
        #expect(!neighbour.contains(own), "ARP does not lead beta's traffic to alpha")
        try await probe.remove()
    }
}

/// Counts packets that reach the host's IP stack from guests, by a table of the test's own.
private struct PacketProbe {
    private let host: TestHost

    init(on host: TestHost) { self.host = host }

    func count(_ matches: [String]) async throws {
        let rules = matches.map { "iifname \"gbr*\" \($0) counter" }.joined(separator: "\n")
        let path = host.folder + "/probe.nft"
        let table = "table inet probe {\nchain packets {\ntype filter hook prerouting priority -400\n\(rules)\n}\n}\n"
        try Data(table.utf8).write(to: URL(filePath: path))
        try await host.exec("nft", "-f", path)
    }

    /// Packets of each match.
    func counts() async throws -> [Int] {
        try await host.exec("nft", "list", "table", "inet", "probe")
            .matches(of: /packets (\d+)/).compactMap { Int($0.1) }
    }

    func remove() async throws {
        try await host.exec("nft", "delete", "table", "inet", "probe")
    }
}

/// Three guests: alpha and beta in one environment, gamma in another.
private struct Guests {
    let cloud: SystemCloud
    let alpha: InstanceBody
    let beta: InstanceBody
    let gamma: InstanceBody
    /// The host's address in the first environment.
    let gateway: String

    init(in cloud: SystemCloud) async throws {
        self.cloud = cloud
        var betas = cloud.request(
            "beta",
            userData: "#!/bin/sh\nfor port in 8080 8081; do setsid nc -ll -p $port -e hostname >/dev/null 2>&1 & done\n"
        )
        betas.securityRules?
            .append(
                SecurityRuleRequest(
                    direction: "ingress",
                    protocol: "tcp",
                    remoteIPPrefix: "198.51.100.1/32",
                    portRangeMin: 8080,
                    portRangeMax: 8080
                )
            )
        var gammas = cloud.request("gamma")
        gammas.environmentName = CloudData.secondEnvironment
        let made = try await [cloud.create("alpha"), cloud.create(betas)[0], cloud.create(gammas)[0]]
        var active: [InstanceBody] = []
        for machine in made { active.append(try await cloud.wait(for: machine, .active)) }
        (alpha, beta, gamma) = (active[0], active[1], active[2])
        for machine in active { try await cloud.login(machine) }
        gateway = try await cloud.login(alpha, "ip route | sed -n 's/^default via \\([^ ]*\\).*/\\1/p'")
    }

    /// What a service says to a client outside; nil when it cannot be reached.
    func outside(_ address: String, _ port: Int) async throws -> String? {
        let output = try await cloud.outside("socat", "-u", "TCP:\(address):\(port),connect-timeout=2", "-")
        return output.status == 0 ? output.text.trimmingCharacters(in: .whitespacesAndNewlines) : nil
    }

    /// What a service says to alpha; empty when it cannot be reached.
    func fromAlpha(_ address: String, _ port: Int) async throws -> String {
        try await cloud.login(alpha, "timeout 4 nc -w 2 \(address) \(port) </dev/null | head -n 1")
    }

    func token(of machine: InstanceBody) async throws -> String {
        let request =
            "PUT /latest/api/token HTTP/1.1\\r\\nHost: metadata\\r\\nConnection: close\\r\\n"
            + "X-aws-ec2-metadata-token-ttl-seconds: 60\\r\\n\\r\\n"
        let call = "(printf '\(request)'; sleep 1) | timeout 5 nc 169.254.169.254 80 | tail -n 1"
        return try await eventually("a token for \(machine.name)") {
            let answer = try await cloud.ssh(machine, call)
            return answer?.isEmpty == false ? answer : nil
        }
    }

    func metadata(_ path: String, of machine: InstanceBody, _ token: String) async throws -> String? {
        let header = "X-aws-ec2-metadata-token: \(token)"
        let url = "http://169.254.169.254/latest/meta-data/\(path)"
        return try await cloud.ssh(machine, "timeout 5 wget -q -O - --header '\(header)' \(url)")
    }
}
