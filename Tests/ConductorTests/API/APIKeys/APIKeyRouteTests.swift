// SPDX-License-Identifier: Apache-2.0

import Conductor
import Foundation
import GantryModel
import GantryProtocol
import HTTPTypes
import Postgres
import Testing

@Suite("Tenants make keys that are no stronger than their own")
struct APIKeyRouteTests {
    private static let keys = "/v1/api-key"

    private func list(_ api: TestAPI, _ key: String = TestAPI.key) async throws -> [APIKeyBody] {
        try await api.call(.get, Self.keys, key: key).decoded(APIKeysAnswer.self).apiKeys
    }

    @Test("A key is made, shown once, listed, changed, used, and ended for every conductor at once")
    func life() async throws {
        try await TestAPI.with { api in
            let made = try await api.generateKey(#""description":"of the laptop","role":"member""#)
            let secret = try #require(made.key)
            #expect((made.role, made.description, made.environments) == ("member", "of the laptop", nil))
            #expect(made.user.name == "ada")
            let shown = try await api.call(.get, Self.keys)
            #expect(!"\(shown)".contains(secret))
            #expect(try await list(api).map(\.name) == ["ada", "made"])
            #expect(try await api.call(.get, TestAPI.machines, key: secret).status == .ok)

            let path = "\(Self.keys)/\(made.id)"
            let changed = try await api.call(.put, path, #"{"name":"other","role":"read-only"}"#)
            let body = try changed.decoded(Answer<APIKeyBody>.self).content
            #expect((body.name, body.role, body.description) == ("other", "read-only", "of the laptop"))
            #expect(try await api.call(.post, TestAPI.machines, "{}", key: secret).status == .forbidden)

            let elsewhere = APIKeyStore(database: api.cloud.anotherPool(), acceptsTestKeys: false)
            #expect(try await elsewhere.caller(presenting: secret) != nil)
            #expect(try await api.call(.delete, path).status == .ok)
            #expect(try await elsewhere.caller(presenting: secret) == nil)
            #expect(try await api.call(.get, TestAPI.machines, key: secret).status == .unauthorized)
            #expect(try await api.call(.delete, path).status == .notFound)
        }
    }

    @Test("An expired key is refused, and the end of a key is that of those it makes")
    func expiry() async throws {
        try await TestAPI.with { api in
            let short = try await api.generateKey(#""expires_at":"2200-01-01T00:00:00""#)
            let secret = try #require(short.key)
            #expect(try await api.generateKey(key: secret).expiresAt == short.expiresAt)
            let longer = #"{"name":"x","expires_at":"2200-01-01T00:00:01"}"#
            #expect(try await api.call(.post, "\(Self.keys)/generate", longer, key: secret).status == .forbidden)
            #expect(try await api.call(.put, "\(Self.keys)/\(short.id)", longer, key: secret).status == .forbidden)
            try await api.cloud.execute("UPDATE api_key SET expires_at = now() WHERE id = \(short.id)")
            #expect(try await api.call(.get, Self.keys, key: secret).status == .unauthorized)
        }
    }

    @Test("A member makes and ends keys of its own user that are no owners, and touches no stronger one")
    func members() async throws {
        try await TestAPI.with { api in
            let carl = try await api.operate(
                .post,
                "users",
                #"{"name":"carl","organization_id":\#(api.cloud.organization)}"#,
                showing: UserBody.self
            )
            let member = try await api.secret(#""role":"member""#)
            let ofCarl = try await api.generateKey(#""user_id":\#(carl.id)"#)
            let owner = try #require(try await list(api).first)
            let refused: [(HTTPRequest.Method, String, String?, String)] = [
                (.post, "/generate", #"{"name":"x","role":"owner"}"#, "owner is needed"),
                (.post, "/generate", #"{"name":"x","user_id":\#(carl.id)}"#, "the role owner is needed"),
                (.put, "/\(owner.id)", #"{"name":"x"}"#, "stronger"), (.delete, "/\(owner.id)", nil, "stronger"),
                (.delete, "/\(ofCarl.id)", nil, "another user"),
            ]
            for (method, path, body, words) in refused {
                let answer = try await api.call(method, Self.keys + path, body, key: member)
                #expect(answer.error?.errorReason == "forbidden", "\(method) \(path) \(answer)")
                #expect(answer.error?.message.contains(words) == true, "\(answer)")
            }
            #expect(try await list(api, member).map(\.user.name) == ["ada", "ada"])
            let made = try await api.generateKey(key: member)
            #expect(made.role == "member")
            #expect(try await api.call(.delete, "\(Self.keys)/\(made.id)", key: member).status == .ok)
            #expect(try await api.call(.delete, "\(Self.keys)/\(ofCarl.id)").status == .ok)
            let foreign = try await api.call(.delete, "\(Self.keys)/\(owner.id)", key: TestAPI.strangersKey)
            #expect(foreign.status == .notFound)
        }
    }

    @Test("Only an owner gets the organization's secret for callbacks")
    func secret() async throws {
        try await TestAPI.with { api in
            let member = try await api.secret(#""role":"member""#)
            let path = "/v1/core/callbacks/secret/rotate"
            #expect(try await api.call(.post, path, key: member).status == .forbidden)
            #expect(try await api.call(.post, path).status == .ok)
        }
    }

    @Test("What cannot be is named, and leaves no key")
    func badInput() async throws {
        try await TestAPI.with { api in
            let cases: [(String, HTTPResponse.Status, String)] = [
                ("{}", .badRequest, "name is missing"), (#"{"name":""}"#, .badRequest, "name: it is empty"),
                (#"{"name":"x","role":"king"}"#, .badRequest, "role: “king” is none; use read-only or member"),
                (#"{"name":"x","environments":["none"]}"#, .notFound, "environments: there is no environment “none”"),
                (#"{"name":"x","expires_at":"2001-01-01T00:00:00"}"#, .badRequest, "expires_at: it has passed"),
                (#"{"name":"x","user_id":999}"#, .notFound, "user_id: there is no user 999"),
            ]
            for (body, status, words) in cases {
                let answer = try await api.call(.post, "\(Self.keys)/generate", body)
                #expect(answer.status == status, "\(body) \(answer)")
                #expect(answer.error?.message.hasPrefix(words) == true, "\(answer)")
            }
            #expect(try await list(api).count == 1)
        }
    }

    @Test("The hour of a key's use is written once in it")
    func lastUse() async throws {
        try await TestAPI.with { api in
            let made = try await api.generateKey()
            #expect(made.lastUsedAt == nil)
            let version: SQL = "SELECT xmin::text::bigint AS number FROM api_key WHERE id = \(made.id)"
            try await api.call(.get, TestAPI.machines, key: made.key)
            try await api.cloud.execute("UPDATE api_key SET last_used_at = now() - interval '59 minutes'")
            let written = try await api.cloud.number(version)
            try await api.call(.get, TestAPI.machines, key: made.key)
            #expect(try await api.cloud.number(version) == written)
            try await api.cloud.execute("UPDATE api_key SET last_used_at = now() - interval '2 hours'")
            try await api.call(.get, TestAPI.machines, key: made.key)
            let seen = try #require(try await list(api).last?.lastUsedAt).date
            #expect(seen > Date() - 3700 && seen.timeIntervalSince1970.truncatingRemainder(dividingBy: 3600) == 0)
        }
    }
}
