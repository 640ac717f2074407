// SPDX-License-Identifier: Apache-2.0

import Foundation
import GantryProtocol
import GantryTestSupport

extension SystemCloud {
    /// Runs a command in a guest, over its floating IP, from outside the hosts, by the key of an index; nil while nobody
    /// answers, and when the command fails.
    func ssh(_ machine: InstanceBody, key: Int = 0, _ command: String, asRoot: Bool = false) async throws -> String? {
        guard let address = machine.floatingIP else { return nil }
        let output = try await run(
            "ip",
            [
                "netns", "exec", outside, "ssh", "-q", "-i", data.keyFiles[key], "-o", "BatchMode=yes",
                "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "ConnectTimeout=5",
                // A guest that ends in the middle says no farewell.
                "-o", "ServerAliveInterval=2", "-o", "ServerAliveCountMax=3",
                "\(asRoot ? "root" : image.user)@\(address)", command,
            ]
        )
        return output.status == 0 ? output.text.trimmingCharacters(in: .whitespacesAndNewlines) : nil
    }

    /// Waits until a command in a guest succeeds.
    @discardableResult
    func login(
        _ machine: InstanceBody,
        key: Int = 0,
        _ command: String = "true",
        asRoot: Bool = false,
        timeout: Duration = .seconds(240)
    ) async throws -> String {
        try await eventually("“\(command)” in \(machine.name) by key \(key)", timeout: timeout) {
            try await ssh(machine, key: key, command, asRoot: asRoot)
        }
    }

    /// Runs a test in a cloud with one host, whose `TestImage` is the idle one.
    static func withIdleGuests(
        conductorSettings: [String: String] = [:],
        _ body: @Sendable @escaping (SystemCloud) async throws -> Void
    ) async throws {
        try await withTemporaryDirectory { folder in
            try await with(image: try await TestImage.idle(in: folder), conductorSettings: conductorSettings, body)
        }
    }

    /// Waits until a guest of the idle image has booted so often, and fails when it boots more often. Only then does it
    /// obey its power button.
    func expectBoots(_ count: Int, of machine: InstanceBody, on host: TestHost? = nil) async throws {
        let host = host ?? hosts[0]
        let path = try await "\(host.agentFolder)/machines/\(uuid(machine))/console.log"
        try await eventually("\(machine.name) has booted \(count) times") {
            let boots = try await host.exec("cat", path).count { $0 == "B" }
            guard boots <= count else { throw CommandFailure(description: "\(machine.name) booted \(boots) times") }
            return boots == count
        }
    }
}
