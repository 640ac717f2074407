// SPDX-License-Identifier: Apache-2.0

import Foundation
import GantryProtocol
import HTTPTypes
import Postgres
import Testing

@Suite("A key of some environments reaches nothing in others")
struct KeyScopeTests {
    /// An environment beside the cloud's own, with a machine of the same name as the one there.
    private func prepare(_ api: TestAPI) async throws -> (inside: InstanceBody, outside: InstanceBody) {
        try await api.call(.post, TestAPI.environments, #"{"name":"other","region":"TEST-1"}"#)
        try await api.cloud.execute(
            """
            INSERT INTO key (environment_id, name, public_key, fingerprint)
            SELECT id, 'laptop', 'ssh-ed25519 AAAA ada', 'aa:bb' FROM environment WHERE name = 'other'
            """
        )
        let inside = try #require(try await api.create().first)
        return (inside, try #require(try await api.create(["environment_name": "other"]).first))
    }

    @Test("By id, by name, in a create and in lists")
    func scope() async throws {
        try await TestAPI.with { api in
            let (inside, outside) = try await prepare(api)
            let key = try await api.secret(#""environments":["default"]"#)
            let others = try await api.cloud.number("SELECT id AS number FROM environment WHERE name = 'other'")
            let foreignKey = try await api.cloud.number(
                "SELECT id AS number FROM key WHERE environment_id = \(others)"
            )
            let refused: [(HTTPRequest.Method, String, String?)] = [
                (.get, "\(TestAPI.machines)/\(outside.id)", nil), (.delete, "\(TestAPI.machines)/other/web", nil),
                (.get, "\(TestAPI.machines)/other/web", nil),
                (.put, "\(TestAPI.machines)/\(outside.id)/label", #"{"labels":[]}"#),
                (.post, TestAPI.machines, try TestAPI.creation(["environment_name": "other", "name": "new"])),
                (.get, "\(TestAPI.environments)/\(others)", nil), (.delete, "\(TestAPI.environments)/\(others)", nil),
                (.post, TestAPI.environments, #"{"name":"third","region":"TEST-1"}"#),
                (.delete, "/v1/core/keypair/\(foreignKey)", nil),
                (.post, "/v1/core/firewalls", #"{"name":"x","environment_id":\#(others)}"#),
                (.get, "/v1/core/callbacks/deliveries", nil), (.post, "/v1/core/callbacks/secret/rotate", nil),
            ]
            for (method, path, body) in refused {
                let answer = try await api.call(method, path, body, key: key)
                #expect(answer.error?.errorReason == "forbidden", "\(method) \(path) \(answer)")
            }
            let allowed: [(HTTPRequest.Method, String, String?)] = [
                (.get, "\(TestAPI.machines)/\(inside.id)", nil), (.get, "\(TestAPI.machines)/default/web", nil),
                (.post, TestAPI.machines, try TestAPI.creation(["name": "new"])), (.get, "/v1/core/flavors", nil),
                (.post, "/v1/core/firewalls", #"{"name":"x","environment_id":\#(api.cloud.environment)}"#),
                (.get, "/v1/core/firewalls/1", nil),
            ]
            for (method, path, body) in allowed {
                let answer = try await api.call(method, path, body, key: key)
                #expect(answer.status == .ok, "\(method) \(path) \(answer)")
            }
            let machines = try await api.call(.get, TestAPI.machines, key: key).decoded(InstancesAnswer.self)
            #expect(machines.instances.map(\.name) == ["web", "new"] && machines.count == 2)
            #expect(machines.instances.allSatisfy { $0.environment.name == "default" })
            for (path, name) in [("environments", "default"), ("keypairs", "laptop"), ("firewalls", "x")] {
                let list = try await api.call(.get, "/v1/core/\(path)", key: key).decoded(JSON.self)
                #expect(list["count"]?.number == 1, "\(path)")
                #expect(list[path]?.list?.first?["name"]?.text == name)
            }
            // What does not exist is no secret, and neither is what another organization has.
            #expect(try await api.call(.get, "\(TestAPI.machines)/999", key: key).status == .notFound)
        }
    }

    @Test("It makes no key that reaches more, and keeps its own key from no list")
    func keys() async throws {
        try await TestAPI.with { api in
            _ = try await prepare(api)
            let key = try await api.secret(#""environments":["default"]"#)
            let wider = #"{"name":"x","environments":["default","other"]}"#
            #expect(try await api.call(.post, "/v1/api-key/generate", wider, key: key).status == .forbidden)
            let made = try await api.generateKey(key: key)
            #expect(made.environments == ["default"])
            let path = "/v1/api-key/\(made.id)"
            #expect(try await api.call(.put, path, wider, key: key).status == .forbidden)
            #expect(try await api.call(.delete, path, key: key).status == .ok)
        }
    }
}
