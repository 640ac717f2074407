// SPDX-License-Identifier: Apache-2.0

import Conductor
import Foundation
import GantryTestSupport
import Testing

@Suite("Machines' host keys at the command line")
struct HostKeyTests {
    @Test(
        "A machine's first key is taken without a question and asked for ever after; the next at its address is no other's"
    )
    func addressOfAnother() async throws {
        try await SimulatedCloud.with { cloud in
            let home = ["XDG_CONFIG_HOME": cloud.folder + "/config"]
            for name in ["web", "next"] {
                let make =
                    "vm create \(name) --environment TestEnv --image TestImage --flavor \(CloudData.flavor) --key TestKey "
                    + "--floating-ip --wait"
                let made = try await cloud.gantry(make.split(separator: " ").map(String.init), as: TestData.apiKey)
                #expect(made.status == 0, "\(made)")
            }
            let port = try await TestConductor.freePort()
            // Both machines are at the same place. Who is let in there has shown a key that ssh trusts.
            let login = { (name: String) in
                let options =
                    "-F /dev/null -o HostName=127.0.0.1 -p \(port) -o BatchMode=yes -o PubkeyAuthentication=no"
                let words = ["vm", "ssh", name, "--user", "me", "--"] + options.split(separator: " ").map(String.init)
                return try await cloud.gantry(words + ["true"], as: TestData.apiKey, environment: home).errorText
            }
            try await Self.withServer("first", port, in: cloud.folder) {
                let taken = try await login("web")
                #expect(taken.contains("Permanently added") && taken.contains("Permission denied"), "\(taken)")
                let known = try await login("web")
                #expect(!known.contains("Permanently added") && known.contains("Permission denied"), "\(known)")
            }
            try await Self.withServer("second", port, in: cloud.folder) {
                let next = try await login("next")
                #expect(next.contains("Permanently added") && !next.contains("CHANGED"), "\(next)")
                let other = try await login("web")
                #expect(other.contains("Host key verification failed"), "\(other)")
                #expect(!other.contains("Permission denied"), "\(other)")
            }
        }
    }

    /// Runs an SSH server that lets nobody in, with a host key of its own.
    private static func withServer(
        _ name: String,
        _ port: Int,
        in folder: String,
        _ body: () async throws -> Void
    ) async throws {
        let (key, log) = ("\(folder)/\(name)", "\(folder)/\(name).log")
        try await shell("dropbearkey", "-t", "ed25519", "-f", key)
        let server = try ProgramProcess(
            ["/usr/sbin/dropbear", "-F", "-E", "-s", "-r", key, "-p", "127.0.0.1:\(port)", "-P", "\(key).pid"],
            environment: [:],
            log: log
        )
        let result: Result<Void, any Error>
        do {
            try await eventually("the server listens") {
                try await run("bash", ["-c", "</dev/tcp/127.0.0.1/\(port)"]).status == 0
            }
            result = .success(try await body())
        } catch {
            result = .failure(error)
        }
        try await server.kill()
        try result.get()
    }
}
