// SPDX-License-Identifier: Apache-2.0

import Conductor
import Foundation
import GantryProtocol
import HTTPTypes
import Postgres
import Testing

@Suite("Operators make organizations, users and keys")
struct OrganizationRouteTests {
    @Test("From an organization to a key that opens its doors and no others, and back to nothing")
    func life() async throws {
        try await TestAPI.with { api in
            let organization = try await api.operate(
                .post,
                "organizations",
                #"{"name":"Häuser & Söhne"}"#,
                showing: OrganizationBody.self
            )
            #expect(organization.name == "Häuser & Söhne")
            let user = try await api.operate(
                .post,
                "users",
                #"{"name":"carl","organization_id":\#(organization.id)}"#,
                showing: UserBody.self
            )
            #expect(user.organization == OrganizationReference(id: organization.id, name: "Häuser & Söhne"))
            let key = try await api.operate(
                .post,
                "users/\(user.id)/api-keys",
                #"{"name":"laptop"}"#,
                showing: APIKeyBody.self
            )
            let secret = try #require(key.key)
            #expect(secret.hasPrefix("gantry-") && secret.count > 40)
            #expect(key.expiresAt == nil)
            let environments = try await api.call(.get, TestAPI.environments, key: secret)
            #expect(try environments.decoded(PageAnswer<EnvironmentBody>.self).count == 0)
            #expect(try await api.call(.get, "/v1/admin/users", key: secret).status == .forbidden)

            let keys = try await api.operate(.get, "users/\(user.id)/api-keys")
            #expect(!"\(keys)".contains(secret))
            #expect(try keys.decoded(PageAnswer<APIKeyBody>.self).contents.map(\.name) == ["laptop"])
            let stored = try await api.cloud.number(
                """
                SELECT count(*) AS number FROM api_key
                WHERE digest = sha256(convert_to(\(secret), 'UTF8')) AND NOT api_key::text LIKE '%' || \(secret) || '%'
                """
            )
            #expect(stored == 1)
            #expect(try await api.operate(.get, "users/\(user.id)", showing: UserBody.self).apiKeyCount == 1)

            try await api.operate(.delete, "users/\(user.id)/api-keys/\(key.id)")
            #expect(try await api.call(.get, TestAPI.environments, key: secret).status == .unauthorized)
            try await api.operate(.delete, "organizations/\(organization.id)")
            #expect(try await api.operate(.get, "users/\(user.id)").status == .notFound)
            #expect(try await api.operate(.get, "organizations/\(organization.id)").status == .notFound)
        }
    }

    @Test("A user without an organization is an operator; deleting the user ends the keys")
    func operators() async throws {
        try await TestAPI.with { api in
            let user = try await api.operate(.post, "users", #"{"name":"oscar"}"#, showing: UserBody.self)
            #expect(user.organization == nil)
            let key = try await api.operate(
                .post,
                "users/\(user.id)/api-keys",
                #"{"name":"k","expires_at":"2999-12-31T23:59:59Z"}"#,
                showing: APIKeyBody.self
            )
            #expect(key.expiresAt?.date == Date(timeIntervalSince1970: 32_503_679_999))
            let secret = try #require(key.key)
            #expect(try await api.call(.get, "/v1/admin/users", key: secret).status == .ok)
            try await api.operate(.delete, "users/\(user.id)")
            #expect(try await api.call(.get, "/v1/admin/users", key: secret).status == .unauthorized)
        }
    }

    @Test("Nobody deletes oneself, so that an operator is always left")
    func oneself() async throws {
        try await TestAPI.with { api in
            let olga = try await api.cloud.number("SELECT id AS number FROM user_account WHERE name = 'olga'")
            let refused = try await api.operate(.delete, "users/\(olga)")
            #expect(refused.status == .conflict)
            #expect(refused.error?.errorReason == "in_use")
            let key = try await api.cloud.number("SELECT id AS number FROM api_key WHERE name = 'olga'")
            let kept = try await api.operate(.delete, "users/\(olga)/api-keys/\(key)")
            #expect(kept.error?.errorReason == "in_use", "\(kept)")
            #expect(try await api.operate(.get, "users/\(olga)").status == .ok)
        }
    }

    @Test("Deleting a user leaves what the user made")
    func traces() async throws {
        try await TestAPI.with { api in
            let machine = try #require(try await api.create().first)
            try await api.cloud.execute(
                """
                WITH eve AS (
                    INSERT INTO user_account (organization_id, name) VALUES (\(api.cloud.organization), 'eve')
                    RETURNING id
                )
                INSERT INTO api_key (user_id, name, digest) SELECT id, 'eve', \(APIKeyStore.digest(of: "eve")) FROM eve
                """
            )
            #expect(try await api.operate(.delete, "users/\(api.cloud.user)").status == .ok)
            let shown = try await api.call(.get, "\(TestAPI.machines)/\(machine.id)/events", key: "eve")
            #expect(try shown.decoded(InstanceEventsAnswer.self).instanceEvents.first?.userID == nil)
        }
    }

    @Test("An organization with environments is kept; one whose machines are all deleted goes with their history")
    func inUse() async throws {
        try await TestAPI.with { api in
            let node = try await api.onlyNode()
            let machine = try #require(try await api.create().first)
            let path = "organizations/\(api.cloud.organization)"
            let refused = try await api.operate(.delete, path)
            #expect(refused.status == .conflict)
            #expect(refused.error?.errorReason == "in_use")
            #expect(refused.error?.message.contains("1 environments and 1 virtual machines") == true, "\(refused)")
            let shown = try await api.operate(.get, path, showing: OrganizationBody.self)
            #expect((shown.userCount, shown.environmentCount, shown.virtualMachineCount) == (1, 1, 1))
            try await api.call(.delete, "\(TestAPI.machines)/\(machine.id)")
            try await node.converge()
            try await api.call(.delete, "\(TestAPI.environments)/\(api.cloud.environment)")
            #expect(try await api.operate(.delete, path).status == .ok)
            let rest: SQL = "SELECT (SELECT count(*) FROM virtual_machine) + (SELECT count(*) FROM vm_event) AS number"
            #expect(try await api.cloud.number(rest) == 0)
        }
    }

    @Test("They are listed in pages and found by name, and renamed")
    func lists() async throws {
        try await TestAPI.with { api in
            let organizations = try await api.list("organizations?page=1&pageSize=1", of: OrganizationBody.self)
            #expect((organizations.count, organizations.contents.map(\.name)) == (2, ["acme"]))
            #expect(try await api.list("organizations?search=STRANGE", of: OrganizationBody.self).count == 1)
            #expect(try await api.list("users", of: UserBody.self).contents.map(\.name) == ["ada", "bob", "olga"])
            #expect(try await api.list("users?search=o", of: UserBody.self).count == 2)
            let own = try await api.list("users?organization_id=\(api.cloud.organization)", of: UserBody.self)
            #expect(own.contents.map(\.name) == ["ada"])
            let renamed = try await api.operate(
                .put,
                "users/\(api.cloud.user)",
                #"{"name":"ada lovelace"}"#,
                showing: UserBody.self
            )
            #expect(renamed.name == "ada lovelace")
            let path = "organizations/\(api.cloud.organization)"
            #expect(try await api.operate(.put, path, #"{"name":"acme"}"#).status == .ok)
            let taken = try await api.operate(.put, path, #"{"name":"stranger"}"#)
            #expect(taken.error?.errorReason == "already_exist")
        }
    }

    @Test("What cannot be is named, and leaves no row")
    func badInput() async throws {
        try await TestAPI.with { api in
            let long = String(repeating: "x", count: 201)
            try await api.refuses(
                [
                    (#"{"name":""}"#, .badRequest, "name: it is empty"),
                    (#"{"name":"\#(long)"}"#, .badRequest, "name: it has 201"), ("{}", .badRequest, "name is missing"),
                    (#"{"name":"a\tb"}"#, .badRequest, "name: it holds a control character"),
                    (#"{"name":"acme"}"#, .conflict, "There is an organization named “acme”"),
                    (#"{"name":"x","id":1}"#, .badRequest, "id: there is no such field"),
                ],
                "organizations",
                rows: "SELECT count(*) AS number FROM organization"
            )
            let own = api.cloud.organization
            try await api.refuses(
                [
                    (#"{"name":"\#(long)"}"#, .badRequest, "name: it has 201"),
                    (#"{"name":"ada","organization_id":\#(own)}"#, .conflict, "There is a user named “ada”"),
                    (#"{"name":"olga"}"#, .conflict, "There is a user named “olga”"),
                    (#"{"name":"x","organization_id":999}"#, .notFound, "organization_id: there is no such"),
                    (#"{"name":"x","organization_id":"1"}"#, .badRequest, "organization_id has to be a whole number"),
                    (#"{"name":"x","organization_id":1.5}"#, .badRequest, "organization_id: the number cannot be"),
                ],
                "users",
                rows: "SELECT count(*) AS number FROM user_account"
            )
            try await api.refuses(
                [
                    (#"{"name":""}"#, .badRequest, "name: it is empty"),
                    (#"{"name":"k","expires_at":"2001-01-01T00:00:00"}"#, .badRequest, "expires_at: it has passed"),
                    (#"{"name":"k","expires_at":"tomorrow"}"#, .badRequest, "expires_at: “tomorrow” is no time"),
                    (#"{"name":"k","expires_at":7}"#, .badRequest, "expires_at has to be a string"),
                ],
                "users/\(api.cloud.user)/api-keys",
                rows: "SELECT count(*) AS number FROM api_key"
            )
        }
    }

    @Test("What does not exist is a 404")
    func missing() async throws {
        try await TestAPI.with { api in
            let keyOfBob = try await api.cloud.number("SELECT id AS number FROM api_key WHERE name = 'bob'")
            let calls: [(HTTPRequest.Method, String, String?)] = [
                (.get, "organizations/999", nil), (.put, "organizations/999", #"{"name":"x"}"#),
                (.delete, "organizations/999", nil), (.get, "organizations/acme", nil), (.get, "users/999", nil),
                (.put, "users/999", #"{"name":"x"}"#), (.delete, "users/999", nil), (.get, "users/999/api-keys", nil),
                (.post, "users/999/api-keys", #"{"name":"x"}"#), (.delete, "users/\(api.cloud.user)/api-keys/999", nil),
                // The key of another user.
                (.delete, "users/\(api.cloud.user)/api-keys/\(keyOfBob)", nil), (.get, "users/0", nil),
            ]
            for (method, path, body) in calls {
                let answer = try await api.operate(method, path, body)
                #expect(answer.status == .notFound, "\(method) \(path) \(answer)")
                #expect(answer.error?.errorReason == "not_found")
            }
            #expect(try await api.cloud.number("SELECT count(*) AS number FROM api_key") == 3)
        }
    }
}
