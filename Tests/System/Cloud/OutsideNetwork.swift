// SPDX-License-Identifier: Apache-2.0

import GantryTestSupport

/// A namespace with a bridge that hosts hang on, so that their floating IPs are reached as from any other machine.
struct OutsideNetwork: Sendable {
    let name: String
    let hosts: [TestHost]
    private let watch: ExitWatch

    init(hosts count: Int, folder: String) throws {
        let tag = String(UInt32.random(in: 0...UInt32.max), radix: 36)
        name = "gtc-\(tag)"
        watch = try ExitWatch("ip", "netns", "del", name)
        hosts = try (0..<count).map { try TestHost(name: "gth-\(tag)-\($0)", folder: "\(folder)/host\($0)") }
    }

    /// Makes the namespace and the hosts, which reach some ports of this machine's loopback on their own.
    func up(forwarding ports: [Int]) async throws {
        try await shell("ip", "netns", "add", name)
        try await shell("ip", "-n", name, "link", "add", "fabric", "type", "bridge")
        try await shell("ip", "-n", name, "address", "add", "198.51.100.1/24", "dev", "fabric")
        try await shell("ip", "-n", name, "link", "set", "fabric", "up")
        for (index, host) in hosts.enumerated() {
            try await host.up(uplink: "198.51.100.\(10 + index)/24", fabric: "\(name):fabric")
            for port in ports { try await host.forward(port) }
        }
    }

    /// Removes all of it, whatever there is.
    func down() async throws {
        for host in hosts { try await host.down() }
        _ = try await run("ip", ["netns", "del", name])
        watch.callOff()
    }
}
