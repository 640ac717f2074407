// SPDX-License-Identifier: Apache-2.0

import Foundation
import GantryTestSupport
import Testing

@Suite("The command line over TLS")
struct CommandTLSTests {
    @Test("A context keeps its cloud's own authority: with it calls work, without it or with another's none does")
    func context() async throws {
        try await withTemporaryDirectory { folder in
            let (own, other) = (folder + "/own", folder + "/other")
            for path in [own, other] {
                try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
            }
            let authority = try await TestAuthority(in: own)
            let stranger = try await TestAuthority(in: other)
            try await Self.withConductor(of: authority, in: folder) { conductor in
                let key = try await conductor.command("operator", "create", "olga")
                let gantry = Gantry(home: folder + "/config", key: key)
                let add = { (name: String, authorities: String) in
                    try await gantry("context add \(name) --url \(conductor.url) --authorities \(authorities)")
                }
                #expect(try await add("own", authority.path).status == 0)
                // What is kept is the certificate itself, where nobody else can read.
                let elsewhere = folder + "/authority.pem"
                try FileManager.default.moveItem(atPath: authority.path, toPath: elsewhere)
                let listed = try await gantry("organization list")
                #expect(listed.status == 0 && listed.text.hasPrefix("ID"), "\(listed)")
                let file = "\(folder)/config/gantry/config.yaml"
                let mode = try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int
                #expect(mode == 0o600)

                #expect(try await add("other", stranger.path).status == 0)
                let distrusted = try await gantry("organization list")
                #expect(distrusted.status == 2 && distrusted.errorText.contains(conductor.url), "\(distrusted)")
                let asked = try await gantry("organization list --output json")
                #expect(asked.errorText.contains(#""error_reason":"unreachable""#), "\(asked)")
                #expect(try await gantry("organization list --context own").status == 0)
                #expect(try await gantry("organization list", authorities: elsewhere).status == 0)
                #expect(try await gantry("context add none --url \(conductor.url)").status == 0)
                #expect(try await gantry("organization list").status == 2)

                let secret = try await add("bad", "\(own)/server.key")
                #expect(secret.status == 64 && secret.errorText.contains("--authorities is"), "\(secret)")
                #expect(try await add("a/../b", elsewhere).status == 64)
            }
        }
    }

    private static func withConductor(
        of authority: TestAuthority,
        in folder: String,
        _ body: @escaping @Sendable (TestConductor) async throws -> Void
    ) async throws {
        let server = try await authority.certificate()
        try await withTemporaryDatabaseURL { url in
            try await withTemporaryVirtualHost { broker in
                let settings = [
                    "GANTRY_DATABASE_URL": url, "GANTRY_AMQP_URL": broker.url,
                    "GANTRY_RABBITMQ_MANAGEMENT_URL": try await TestServices.shared.managementURL,
                    "GANTRY_LISTEN_CERTIFICATE": server.certificate, "GANTRY_LISTEN_KEY": server.key,
                ]
                let log = folder + "/conductor.log"
                let conductor = try await TestConductor(environment: settings, log: log, authority: authority.path)
                let result: Result<Void, any Error>
                do {
                    try await conductor.start()
                    result = .success(try await body(conductor))
                } catch {
                    result = .failure(error)
                }
                try await conductor.kill()
                try result.get()
            }
        }
    }

    /// `gantry` of somebody whose clouds are remembered in a directory.
    private struct Gantry: Sendable {
        let home: String
        /// What is typed where a key is asked for.
        let key: String

        func callAsFunction(_ line: String, authorities: String? = nil) async throws -> CommandOutput {
            let once = authorities.map { ["GANTRY_TLS_AUTHORITIES": $0] } ?? [:]
            return try await run(
                "env",
                ["-u", "GANTRY_URL", "-u", "GANTRY_API_KEY", SimulatedCloud.program]
                    + line.split(separator: " ").map(String.init),
                input: key + "\n",
                environment: once.merging(["XDG_CONFIG_HOME": home]) { $1 }
            )
        }
    }
}
