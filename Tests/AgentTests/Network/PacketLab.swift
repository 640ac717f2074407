// SPDX-License-Identifier: Apache-2.0

import Foundation
import GantryModel
import GantryProtocol
import GantryTestSupport

/// A host's network in namespaces of its own: bridges, guests that are namespaces too, and a world outside.
///
///     out 198.51.100.1, 192.0.2.50 ── uplink 198.51.100.2 host ┬ gbr3 10.3.0.1 ┬ gtap7 ── guest 10.3.0.7
///                                                              │               └ gtap8 ── guest 10.3.0.8
///                                                              └ gbr4 10.4.0.1 ── gtap9 ── guest 10.4.0.9
///
/// Whoever is connected to at port 22, 80 or 81 answers with the address that the connection came from, and at port 7
/// says what is said to it.
struct PacketLab: Sendable {
    private let tag = "gtp-" + String(UInt32.random(in: 0...UInt32.max), radix: 36)

    static func with(_ body: (PacketLab) async throws -> Void) async throws {
        let lab = PacketLab()
        let result: Result<Void, any Error>
        do {
            try await lab.make()
            result = .success(try await body(lab))
        } catch {
            result = .failure(error)
        }
        try await lab.remove()
        try result.get()
    }

    /// Runs a shell's words in a place: `out`, `host`, or a guest's tap.
    @discardableResult
    func exec(_ place: String, _ words: String, input: String = "") async throws -> String {
        try await shell("ip", "netns", "exec", "\(tag)-\(place)", "sh", "-ec", words, input: input)
    }

    /// Waits until a connection from a place is answered, and by what it seems to come from.
    func expect(
        _ place: String,
        as own: String? = nil,
        at port: Int,
        of address: String,
        sees source: String
    ) async throws {
        try await eventually("\(place) reaches \(address):\(port) as \(source)", timeout: .seconds(20)) {
            try await connect(from: place, to: address, port, as: own) == source
        }
    }

    /// The address that a connection from a place seems to come from; nil when it is not made within a second.
    func connect(from place: String, to address: String, _ port: Int, as source: String? = nil) async throws -> String?
    {
        let bind = source.map { ",bind=\($0)" } ?? ""
        let answer = try await run(
            "ip",
            [
                "netns", "exec", "\(tag)-\(place)", "socat", "-u", "TCP4:\(address):\(port),connect-timeout=1\(bind)",
                "STDOUT",
            ]
        )
        return answer.status == 0 ? answer.text.trimmingCharacters(in: .whitespacesAndNewlines) : nil
    }

    /// Whether an echo request from a place is answered within a second.
    func pings(_ place: String, _ address: String) async throws -> Bool {
        try await run("ip", ["netns", "exec", "\(tag)-\(place)", "ping", "-c", "1", "-W", "1", address]).status == 0
    }

    /// Opens a connection to a port 7 that stays open, and says something on it.
    func talk(from place: String, to address: String, in folder: String) async throws -> Talk {
        let talk = Talk(file: "\(folder)/\(place)-\(address)")
        let (said, heard) = ("\(talk.file).said", "\(talk.file).heard")
        try await exec(
            place,
            "touch \(said); (tail -s 0.1 -f \(said) | socat - TCP4:\(address):7,connect-timeout=5 >\(heard)) >/dev/null 2>&1 &"
        )
        try await eventually("\(place) talks to \(address)", timeout: .seconds(20)) { try await goesOn(talk) }
        return talk
    }

    struct Talk {
        fileprivate let file: String
    }

    /// Whether what is said on a connection now comes back within two seconds.
    func goesOn(_ talk: Talk) async throws -> Bool {
        let words = "\(UInt64.random(in: 0...UInt64.max))"
        let script = """
            echo \(words) >>\(talk.file).said
            for n in $(seq 20); do grep -q \(words) \(talk.file).heard && exit 0; sleep 0.1; done; exit 1
            """
        return try await run("sh", ["-c", script]).status == 0
    }

    /// Whether a datagram from one place to another arrives within a second.
    func sends(from place: String, to other: String, at address: String, in folder: String) async throws -> Bool {
        let (words, file) = ("\(UInt64.random(in: 0...UInt64.max))", "\(folder)/\(other)-datagrams")
        try await exec(other, "setsid socat -u UDP6-RECV:9,reuseaddr OPEN:\(file),creat,append >/dev/null 2>&1 &")
        let script = """
            for n in $(seq 10); do
                echo \(words) | ip netns exec \(self.place(place)) socat -u - 'UDP6:[\(address)]:9'
                grep -q \(words) \(file) && exit 0
                sleep 0.1
            done
            exit 1
            """
        return try await run("sh", ["-c", script]).status == 0
    }

    /// The name of a place's namespace.
    func place(_ name: String) -> String { "\(tag)-\(name)" }

    private var places: [String] { ["host", "out"] + guests.map(\.tap) }

    private var guests: [(tap: String, bridge: String, gateway: String, address: String, mac: String)] {
        [
            ("gtap7", "gbr3", "10.3.0.1", "10.3.0.7", "02:00:00:00:03:07"),
            ("gtap8", "gbr3", "10.3.0.1", "10.3.0.8", "02:00:00:00:03:08"),
            ("gtap9", "gbr4", "10.4.0.1", "10.4.0.9", "02:00:00:00:04:09"),
        ]
    }

    private func make() async throws {
        for place in places {
            try await shell("ip", "netns", "add", "\(tag)-\(place)")
            try await exec(place, "ip link set lo up; sysctl -qw net.ipv4.conf.all.rp_filter=0")
        }
        try await exec(
            "host",
            """
            ip link add uplink type veth peer name uplink netns \(tag)-out
            ip address add 198.51.100.2/24 dev uplink; ip link set uplink up
            ip link add gantry-fip up type bridge
            ip address add 169.254.169.254/32 dev gantry-fip
            sysctl -qw net.ipv4.ip_forward=1
            sysctl -qw net.bridge.bridge-nf-call-iptables=0 2>/dev/null || true
            for bridge in gbr3 gbr4; do
                ip link add $bridge up type bridge
                sysctl -qw net.ipv4.conf.$bridge.proxy_arp_pvlan=1 net.ipv4.conf.$bridge.send_redirects=0
            done
            ip address add 10.3.0.1/24 dev gbr3; ip address add 10.4.0.1/24 dev gbr4
            """
        )
        for guest in guests { try await add(guest.tap, guest.bridge, guest.gateway, guest.address, guest.mac) }
        try await exec(
            "out",
            """
            ip address add 198.51.100.1/24 dev uplink; ip address add 192.0.2.50/32 dev lo; ip link set uplink up
            ip route add 192.0.2.0/24 via 198.51.100.2; ip route add 10.0.0.0/8 via 198.51.100.2
            """
        )
        try await exec("host", "ip route add default via 198.51.100.1")
        for place in places {
            for port in [22, 80, 81] {
                let answer = "SYSTEM:'echo $SOCAT_PEERADDR'"
                try await exec(place, "setsid socat TCP4-LISTEN:\(port),fork,reuseaddr \(answer) >/dev/null 2>&1 &")
            }
            try await exec(place, "setsid socat TCP4-LISTEN:7,fork,reuseaddr PIPE >/dev/null 2>&1 &")
        }
        for place in places {
            for port in [22, 80, 81] { try await expect(place, at: port, of: "127.0.0.1", sees: "127.0.0.1") }
        }
    }

    private func add(
        _ tap: String,
        _ bridge: String,
        _ gateway: String,
        _ address: String,
        _ mac: String
    ) async throws {
        try await exec(
            "host",
            """
            ip link add \(tap) type veth peer name eth0 netns \(tag)-\(tap)
            ip link set \(tap) master \(bridge) up
            bridge link set dev \(tap) isolated on
            """
        )
        try await exec(
            tap,
            """
            ip link set eth0 address \(mac) up
            ip address add \(address)/24 dev eth0
            ip route add default via \(gateway)
            """
        )
    }

    private func remove() async throws {
        for place in places {
            let pids = try await run("ip", ["netns", "pids", "\(tag)-\(place)"]).text
            for pid in pids.split(separator: "\n").compactMap({ Int32($0) }) { kill(pid, SIGKILL) }
            _ = try await run("ip", ["netns", "del", "\(tag)-\(place)"])
        }
    }
}
