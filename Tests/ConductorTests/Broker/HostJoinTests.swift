// SPDX-License-Identifier: Apache-2.0

import AMQP
import Agent
import Conductor
import Foundation
import GantryModel
import GantryProtocol
import GantryTestSupport
import HTTPTypes
import HummingbirdTesting
import NIOSSL
import Settings
import Testing

@Suite("A host joins a conductor, over TLS that only the token vouches for")
struct HostJoinTests {
    /// A conductor with a certificate, a token of it, and a place for a host's files.
    private struct Stage {
        let api: TestAPI
        let token: JoinToken
        let node: NodeName
        let folder: String
        let url: String

        var path: String { folder + "/etc/agent.yaml" }

        func join(_ token: JoinToken? = nil, node: NodeName? = nil, replaces: Bool = false) throws -> HostJoin {
            try HostJoin(
                conductorURL: url,
                token: token ?? self.token,
                node: node ?? self.node,
                hostname: "host-1",
                path: path,
                replaces: replaces
            )
        }

        func newToken() async throws -> JoinToken {
            let body = try await api.operate(
                .post,
                "join-tokens",
                #"{"region":"TEST-1"}"#,
                showing: JoinTokenBody.self
            )
            return try JoinToken(try #require(body.token))
        }

        func text() throws -> String { try String(contentsOfFile: path, encoding: .utf8) }
    }

    /// - Parameters:
    ///   - names: those of the conductor's certificate.
    ///   - days: for which it holds.
    ///   - isOurs: whether the authority that hosts get made it.
    ///   - body: gets all of it.
    /// - Throws: what `body` throws.
    private func with(
        names: String = "DNS:localhost,IP:127.0.0.1",
        days: Int = 1,
        isOurs: Bool = true,
        _ body: @escaping @Sendable (Stage) async throws -> Void
    ) async throws {
        try await withTemporaryDirectory { folder in
            for name in ["own", "other"] {
                try FileManager.default.createDirectory(atPath: "\(folder)/\(name)", withIntermediateDirectories: false)
            }
            let own = try await TestAuthority(in: folder + "/own")
            let maker = if isOurs { own } else { try await TestAuthority(in: folder + "/other") }
            let files = try await maker.certificate(names: names, days: days)
            let tls = TLSConfiguration.makeServerConfiguration(
                certificateChain: try NIOSSLCertificate.fromPEMFile(files.certificate).map { .certificate($0) },
                privateKey: .privateKey(try NIOSSLPrivateKey(file: files.key, format: .pem))
            )
            let pem = try #require(FileManager.default.contents(atPath: own.path))
            let authorities = try CertificateAuthorities(pem: pem)
            try await withTemporaryVirtualHost { host in
                try await TestAPI.with(broker: host, setup: .ahc(.https), tls: tls, authorities: authorities) { api in
                    let port = try #require(api.client.port)
                    let node = try NodeName("n\(UInt32.random(in: 0...UInt32.max))")
                    let url = "https://127.0.0.1:\(port)"
                    let blank = JoinToken(secret: "-", authorities: nil)
                    let stage = Stage(api: api, token: blank, node: node, folder: folder, url: url)
                    let token = try await stage.newToken()
                    #expect(token.authorities == authorities.digest)
                    try await body(Stage(api: api, token: token, node: node, folder: folder, url: url))
                }
            }
        }
    }

    @Test("It gets an identity that its agent can read and nobody else, and a second time changes nothing")
    func joins() async throws {
        try await with { stage in
            #expect(try await stage.join().run())
            let text = try stage.text()
            let mode = try FileManager.default.attributesOfItem(atPath: stage.path)[.posixPermissions] as? Int
            #expect(mode == 0o600)
            let configuration = try AgentConfiguration(SettingsReader(SettingsSources(file: stage.path)))
            #expect((configuration.conductorURL, configuration.nodeName) == (stage.url, stage.node))
            #expect(configuration.authorities?.digest == stage.token.authorities)
            #expect(configuration.broker.authorities == stage.folder + "/etc/authorities.pem")
            #expect(configuration.broker.user == "gantry.node.\(stage.node)")
            let door = NodeAuthenticator(database: stage.api.cloud.database)
            #expect(try await door.authenticate(configuration.nodeKey, as: stage.node).name == stage.node)
            let channel = AsyncStream.makeStream(of: AMQPConsumer.State.self)
            let reading = Task {
                await AMQPConsumer(configuration.broker, queues: ["gantry.node.\(stage.node)"], prefetch: 1)
                    .run(onState: { channel.continuation.yield($0) }) { _ in .acknowledge }
            }
            #expect(await channel.stream.first { _ in true } == .connected)
            reading.cancel()
            let files = try FileManager.default.contentsOfDirectory(atPath: stage.folder + "/etc")
            #expect(Set(files) == ["agent.yaml", "authorities.pem"])
            #expect(try await !stage.join().run())
            #expect(try stage.text() == text)
            #expect(try await stage.api.operate(.delete, "nodes/\(stage.node)").status == .ok)
        }
    }

    @Test("A join that ended after the conductor heard of it is said again by the same host, and by no other")
    func cutOff() async throws {
        try await with { stage in
            // What is in the way of the configuration's temporary file ends the join where a crash might.
            let obstacle = stage.path + ".new"
            try FileManager.default.createDirectory(atPath: obstacle, withIntermediateDirectories: true)
            await #expect(throws: Fault.self) { try await stage.join().run() }
            let tokens = try await stage.api.list("join-tokens", of: JoinTokenBody.self)
            #expect(tokens.contents.first?.state == "used")
            #expect(!FileManager.default.fileExists(atPath: stage.path))

            let elsewhere = try HostJoin(
                conductorURL: stage.url,
                token: stage.token,
                node: stage.node,
                hostname: "host-1",
                path: stage.folder + "/elsewhere/agent.yaml"
            )
            let refused = await #expect(throws: HostJoin.Failure.self) { try await elsewhere.run() }
            #expect(refused?.reason == "join_token_used")

            #expect(try await stage.join().run())
            let configuration = try AgentConfiguration(SettingsReader(SettingsSources(file: stage.path)))
            let door = NodeAuthenticator(database: stage.api.cloud.database)
            #expect(try await door.authenticate(configuration.nodeKey, as: stage.node).name == stage.node)
            #expect(!FileManager.default.fileExists(atPath: stage.path + ".joining"))
            #expect(try await stage.api.operate(.delete, "nodes/\(stage.node)").status == .ok)
        }
    }

    @Test("A half-written file of an earlier attempt is no join, and does no harm")
    func halfWritten() async throws {
        try await with { stage in
            try FileManager.default.createDirectory(atPath: stage.folder + "/etc", withIntermediateDirectories: true)
            for name in [".joining", ".joining.new", ".new"] {
                try Data("{\"conductorURL\": \"ht".utf8).write(to: URL(filePath: stage.path + name))
            }
            #expect(try await stage.join().run())
            #expect(try stage.text().contains("name: \(stage.node)"))
            #expect(try await stage.api.operate(.delete, "nodes/\(stage.node)").status == .ok)
        }
    }

    @Test("What the operator wrote stays; another identity is not given up unless told, and kept beside then")
    func otherIdentity() async throws {
        try await with { stage in
            try FileManager.default.createDirectory(atPath: stage.folder + "/etc", withIntermediateDirectories: true)
            try "# Our rack.\nuplink: eth1\n".write(toFile: stage.path, atomically: true, encoding: .utf8)
            #expect(try await stage.join().run())
            let first = try stage.text()
            #expect(first.hasPrefix("# Our rack.\nuplink: eth1\n"))
            let (token, other) = (try await stage.newToken(), try NodeName("\(stage.node)-b"))
            let kept = await #expect(throws: HostJoin.Failure.self) { try await stage.join(token, node: other).run() }
            #expect(kept?.description.contains("makes this host node \(stage.node)") == true)
            #expect(try stage.text() == first)
            #expect(try await stage.join(token, node: other, replaces: true).run())
            let second = try stage.text()
            #expect(second.hasPrefix("# Our rack.\nuplink: eth1\n"))
            #expect(second.contains("name: \(other)") && !second.contains("name: \(stage.node)\n"))
            #expect(try String(contentsOfFile: stage.path + ".old", encoding: .utf8) == first)
            for node in [stage.node, other] {
                #expect(try await stage.api.operate(.delete, "nodes/\(node)").status == .ok)
            }
        }
    }

    @Test("Who shows another authority than the token's is not told the token")
    func wrongAuthority() async throws {
        try await with { stage in
            let digest = try SHA256Digest(String(repeating: "0", count: 64))
            let forged = JoinToken(secret: stage.token.secret, authorities: digest)
            let error = await #expect(throws: HostJoin.Failure.self) { try await stage.join(forged).run() }
            #expect(error?.description.contains("is not the conductor that made the token") == true)
            let tokens = try await stage.api.list("join-tokens", of: JoinTokenBody.self)
            #expect(tokens.contents.first?.state == "valid")
            #expect(!FileManager.default.fileExists(atPath: stage.path))
        }
    }

    @Test(
        "A certificate of another authority, for another name, or that has expired is refused in words",
        arguments: [
            ("DNS:localhost,IP:127.0.0.1", 1, false, "not from an authority that this host trusts"),
            ("DNS:conductor.example", 1, true, "its certificate is for another name"),
            ("DNS:localhost,IP:127.0.0.1", -1, true, "its certificate has expired"),
        ]
    )
    func badCertificate(_ names: String, _ days: Int, _ isOurs: Bool, _ words: String) async throws {
        try await with(names: names, days: days, isOurs: isOurs) { stage in
            let error = await #expect(throws: HostJoin.Failure.self) { try await stage.join().run() }
            #expect(error?.description.contains(words) == true, "\(error as Any)")
            let tokens = try await stage.api.list("join-tokens", of: JoinTokenBody.self)
            #expect(tokens.contents.first?.state == "valid")
        }
    }

    @Test("A token of a conductor that speaks TLS is not sent without")
    func downgrade() throws {
        let token = JoinToken(secret: "gantry-join-x", authorities: try SHA256Digest(String(repeating: "0", count: 64)))
        #expect(throws: HostJoin.Failure.self) {
            try HostJoin(
                conductorURL: "http://conductor.example",
                token: token,
                node: try NodeName("a"),
                hostname: "a",
                path: "/nowhere/agent.yaml"
            )
        }
    }

    @Test("A token that is cut off is told from a whole one", arguments: [1, 30, 63])
    func cutToken(_ missing: Int) throws {
        let whole = JoinToken(
            secret: "gantry-join-x",
            authorities: try SHA256Digest(String(repeating: "0", count: 64))
        )
        #expect(try JoinToken("\(whole)") == whole)
        #expect(throws: InvalidValue.self) { try JoinToken(String("\(whole)".dropLast(missing))) }
    }
}
