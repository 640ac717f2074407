// SPDX-License-Identifier: Apache-2.0

import Conductor
import Foundation
import GantryModel
import GantryProtocol
import GantryTestSupport
import HTTPTypes
import Postgres
import Testing

@Suite("Join tokens: made by operators, good for one host, once")
struct JoinTokenRouteTests {
    /// What a host says that wants to become a node.
    private static func request(
        _ node: String,
        hostname: String = "host-1",
        key: String = "k"
    ) throws -> NodeJoinRequest {
        NodeJoinRequest(
            node: try NodeName(node),
            hostname: hostname,
            credentials: NewNodeCredentials(
                apiKey: "gantry-node-" + String(repeating: key, count: 43),
                brokerPassword: String(repeating: "p", count: 43)
            )
        )
    }

    /// A name that no other test uses: users are the broker's, not the virtual host's.
    private static func name() -> String { "n\(UInt32.random(in: 0...UInt32.max))" }

    private static func token(_ api: TestAPI, _ more: String = "") async throws -> (body: JoinTokenBody, secret: String)
    {
        let body = try await api.operate(
            .post,
            "join-tokens",
            #"{"region":"TEST-1"\#(more)}"#,
            showing: JoinTokenBody.self
        )
        return (body, try JoinToken(try #require(body.token)).secret)
    }

    private static func join(_ api: TestAPI, _ request: NodeJoinRequest, _ secret: String?) async throws -> APIAnswer {
        try await api.callInternal(.post, "/v1/internal/join", key: secret, request)
    }

    @Test("A host becomes a node, bound to its name; the same host may ask again, no other")
    func life() async throws {
        let log = TestLog()
        try await withTemporaryVirtualHost { host in
            try await TestAPI.with(broker: host, logger: log.logger) { api in
                let (token, secret) = try await Self.token(api)
                #expect((token.state, token.hostname, token.node, token.region) == ("valid", nil, nil, "TEST-1"))
                let name = Self.name()
                let request = try Self.request(name)
                let first = try await Self.join(api, request, secret)
                #expect(first.status == .ok, "\(first)")
                let answer = try NodeJSON.decoder.decode(NodeJoinAnswer.self, from: first.body)
                #expect(answer.brokerUser == "gantry.node.\(name)")
                #expect(!String(decoding: first.body, as: UTF8.self).contains("ppp"))
                #expect(log.count("A host joined", name, "host-1") == 1)
                #expect(try await Self.join(api, request, secret).body == first.body)
                let door = NodeAuthenticator(database: api.cloud.database)
                let node = try await door.authenticate(request.credentials.apiKey, as: request.node)
                #expect(node.id == answer.nodeID)
                let shown = try await api.operate(.get, "nodes/\(name)", showing: NodeBody.self)
                #expect((shown.state, shown.hostname) == ("new", "host-1"))
                let used = try await api.list("join-tokens", of: JoinTokenBody.self).contents.first
                #expect((used?.state, used?.node, used?.token) == ("used", name, nil))

                // Another host, and the same one after it lost its secrets.
                for other in [try Self.request(Self.name(), hostname: "host-2"), try Self.request(name, key: "x")] {
                    let refused = try await Self.join(api, other, secret)
                    #expect(refused.status == .unauthorized)
                    #expect(refused.error?.errorReason == "join_token_used", "\(refused)")
                }
                #expect(log.count("A caller was refused", "join_token_used", "/v1/internal/join") == 2)
                #expect(try await api.operate(.delete, "nodes/\(name)").status == .ok)
                #expect(try await Self.join(api, request, secret).error?.errorReason == "join_token_used")
            }
        }
    }

    @Test("A broker that is away costs no token: the host asks again and becomes the node")
    func brokerAway() async throws {
        try await withTemporaryVirtualHost { host in
            try await TestAPI.with { api in
                let (_, secret) = try await Self.token(api)
                let request = try Self.request(Self.name())
                let failed = try await Self.join(api, request, secret)
                #expect(failed.status == .serviceUnavailable, "\(failed)")
                let registry = try await TestAPI.registry(api.cloud.database, host)
                let answer = try await registry.join(request, secret: secret)
                #expect(answer.brokerUser == "gantry.node.\(request.node)")
                try await registry.remove(request.node)
            }
        }
    }

    @Test("An unknown, revoked, expired token, and one for another host, are refused by name, and make no node")
    func refused() async throws {
        let log = TestLog()
        try await TestAPI.with(logger: log.logger) { api in
            let nodes: SQL = "SELECT count(*) AS number FROM compute_node"
            let before = try await api.cloud.number(nodes)
            func expect(_ reason: String, _ secret: String) async throws {
                let answer = try await Self.join(api, try Self.request("two"), secret)
                #expect(answer.status == .unauthorized)
                #expect(answer.error?.errorReason == reason, "\(answer)")
                #expect(answer.error?.message.contains("gantry node token create") == true)
                #expect(log.count("A caller was refused", reason) == 1)
            }
            try await expect("join_token_unknown", "gantry-join-guessed")
            let revoked = try await Self.token(api)
            let gone = try await api.operate(
                .delete,
                "join-tokens/\(revoked.body.id)",
                showing: JoinTokenBody.self
            )
            #expect(gone.state == "revoked")
            try await expect("join_token_revoked", revoked.secret)
            let expired = try await Self.token(api, #","expires_in":60"#)
            try await api.cloud.execute(
                "UPDATE join_token SET expires_at = now() WHERE id = \(expired.body.id)"
            )
            try await expect("join_token_expired", expired.secret)
            try await expect("join_token_wrong_host", try await Self.token(api, #","hostname":"host-9""#).secret)
            let states = try await api.list("join-tokens", of: JoinTokenBody.self).contents.map(\.state)
            #expect(states == ["valid", "expired", "revoked"])
            #expect(try await api.operate(.delete, "join-tokens/99").status == .notFound)
            #expect(try await Self.join(api, try Self.request("two"), nil).status == .unauthorized)

            // A name that is taken spends no token.
            let (_, secret) = try await Self.token(api)
            let taken = try await Self.join(api, try Self.request("one"), secret)
            #expect(taken.error?.errorReason == "conflict", "\(taken)")
            #expect(try await api.list("join-tokens", of: JoinTokenBody.self).contents.first?.state == "valid")
            #expect(try await api.cloud.number(nodes) == before)
        }
    }

    @Test("A host whose secrets could be guessed is refused")
    func weak() async throws {
        try await TestAPI.with { api in
            let (_, secret) = try await Self.token(api)
            var request = try Self.request("two")
            request.credentials.apiKey = "short"
            let answer = try await Self.join(api, request, secret)
            #expect(answer.status == .badRequest)
            #expect(answer.error?.message.hasPrefix("api_key: use 256 random bits") == true)
        }
    }

    @Test("What cannot be is named, and makes no token")
    func badInput() async throws {
        try await TestAPI.with { api in
            try await api.refuses(
                [
                    ("{}", .badRequest, "region is missing"),
                    (#"{"region":"X"}"#, .notFound, "region: there is no region “X”"),
                    (#"{"region":"TEST-1","hostname":""}"#, .badRequest, "hostname: it is empty"),
                    (#"{"region":"TEST-1","expires_in":59}"#, .badRequest, "expires_in: it is 59; use 60 to 604800"),
                    (#"{"region":"TEST-1","ttl":60}"#, .badRequest, "ttl: there is no such field"),
                ],
                "join-tokens",
                rows: "SELECT count(*) AS number FROM join_token"
            )
        }
    }

    @Test("One address makes so many attempts, then waits")
    func limit() async throws {
        try await TestAPI.with { api in
            let request = try Self.request("two")
            for _ in 1...30 {
                #expect(try await Self.join(api, request, "gantry-join-guessed").status == .unauthorized)
            }
            let answer = try await Self.join(api, request, "gantry-join-guessed")
            #expect(answer.status == .tooManyRequests)
            #expect(answer.headers[.retryAfter] != nil)
        }
    }
}
