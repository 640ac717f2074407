// SPDX-License-Identifier: Apache-2.0

import Conductor
import Foundation
import GantryProtocol
import HTTPTypes
import Postgres
import Testing

extension TestAPI {
    static let environments = "/v1/core/environments"

    /// Makes an environment of which nothing is refused.
    func createEnvironment(_ name: String, key: String = TestAPI.key) async throws -> EnvironmentBody {
        let answer = try await call(.post, Self.environments, #"{"name":"\#(name)","region":"TEST-1"}"#, key: key)
        #expect(answer.status == .ok, "\(answer)")
        return try answer.decoded(Answer<EnvironmentBody>.self).content
    }

    /// A node whose agent is the test, the only one that takes machines.
    func onlyNode() async throws -> SpeakingNode {
        try await cloud.execute("UPDATE compute_node SET cordoned = true, cordon_reason = 'not in this test'")
        return try await SpeakingNode("speaking", in: cloud)
    }
}

@Suite("Environments are made, shown, renamed and deleted, each within its organization")
struct EnvironmentRouteTests {
    @Test("A new environment has the vendor's shape and addresses of its own")
    func create() async throws {
        try await TestAPI.with { api in
            let answer = try await api.call(
                .post,
                TestAPI.environments,
                #"{"name":"ünï & <b>'","region":"TEST-1"}"#
            )
            let json = try answer.decoded(JSON.self)
            #expect(json["status"] == .bool(true))
            let environment = try #require(json["environment"])
            #expect(environment.keys == ["id", "name", "region", "created_at", "features"])
            #expect(environment["features"]?["green_status"] == .text("NOT_GREEN"))
            let made = try answer.decoded(Answer<EnvironmentBody>.self).content
            #expect((made.name, made.region) == ("ünï & <b>'", "TEST-1"))
            #expect(
                try await api.cloud.number(
                    "SELECT count(*) AS number FROM private_address WHERE environment_id = \(made.id)"
                ) == 1021
            )
            let shown = try await api.call(.get, "\(TestAPI.environments)/\(made.id)")
            #expect(try shown.decoded(Answer<EnvironmentBody>.self).content == made)
        }
    }

    @Test("Lists have pages and a search; the count is of all, past the last page too")
    func list() async throws {
        try await TestAPI.with { api in
            for name in ["blue one", "Blue two", "red+one"] { _ = try await api.createEnvironment(name) }
            func list(_ query: String) async throws -> PageAnswer<EnvironmentBody> {
                try await api.call(.get, "\(TestAPI.environments)\(query)").decoded(PageAnswer.self)
            }
            let whole = try await list("")
            #expect(whole.contents.map(\.name) == ["default", "blue one", "Blue two", "red+one"])
            #expect((whole.count, whole.page, whole.pageSize) == (4, nil, nil))
            let second = try await list("?page=2&pageSize=3")
            #expect(second.contents.map(\.name) == ["red+one"])
            #expect((second.count, second.page, second.pageSize) == (4, 2, 3))
            let beyond = try await list("?page=9&pageSize=3")
            #expect((beyond.count, beyond.contents.count) == (4, 0))
            #expect(try await list("?search=BLUE").count == 2)
            #expect(try await list("?search=blue+one").contents.map(\.name) == ["blue one"])
            #expect(try await list("?search=blue%20one").count == 1)
            #expect(try await list("?search=red%2Bone").count == 1)
            #expect(try await list("?search=%25").count == 0)
        }
    }

    @Test("It is renamed, and its machines follow")
    func rename() async throws {
        try await TestAPI.with { api in
            let machine = try #require(try await api.create().first)
            let path = "\(TestAPI.environments)/\(machine.environment.id)"
            let answer = try await api.call(.put, path, #"{"name":"production"}"#)
            #expect(try answer.decoded(Answer<EnvironmentBody>.self).content.name == "production")
            #expect(
                try await api.call(.get, "\(TestAPI.machines)/\(machine.id)").decoded(InstanceAnswer.self)
                    .instance.environment.name == "production"
            )
            _ = try await api.createEnvironment("other")
            let taken = try await api.call(.put, path, #"{"name":"other"}"#)
            #expect(taken.status == .conflict)
            #expect(taken.error?.errorReason == "already_exist")
            #expect(try await api.call(.put, path, #"{"name":"production"}"#).status == .ok)
        }
    }

    @Test("It cannot be deleted while it has machines, deleting ones too; then its keys and addresses go with it")
    func delete() async throws {
        try await TestAPI.with { api in
            let node = try await api.onlyNode()
            let machine = try #require(try await api.create().first)
            let path = "\(TestAPI.environments)/\(machine.environment.id)"
            let used = try await api.call(.delete, path)
            #expect(used.status == .conflict)
            #expect(used.error?.errorReason == "in_use")
            #expect(used.error?.message.contains("1, of which 0 are being deleted") == true, "\(used)")
            try await api.call(.delete, "\(TestAPI.machines)/\(machine.id)")
            let deleting = try await api.call(.delete, path)
            #expect(deleting.status == .conflict)
            #expect(deleting.error?.message.contains("1, of which 1 are being deleted") == true, "\(deleting)")
            try await node.converge()
            #expect(try await api.call(.delete, path).status == .ok)
            #expect(try await api.call(.get, path).status == .notFound)
            #expect(try await api.call(.delete, path).status == .notFound)
            let rest: SQL = """
                SELECT (SELECT count(*) FROM environment) + (SELECT count(*) FROM private_address)
                    + (SELECT count(*) FROM key) AS number
                """
            #expect(try await api.cloud.number(rest) == 0)
            // What was deleted keeps its history.
            #expect(try await api.cloud.number("SELECT count(*) AS number FROM virtual_machine") == 1)
        }
    }

    @Test("Another organization sees nothing of it, and may have one of the same name")
    func scope() async throws {
        try await TestAPI.with { api in
            let id = api.cloud.environment
            let calls: [(HTTPRequest.Method, String, String?)] = [
                (.get, "\(id)", nil), (.put, "\(id)", #"{"name":"mine"}"#), (.delete, "\(id)", nil),
                (.get, "\(id)/vm-quota", nil),
            ]
            for (method, path, body) in calls {
                for (key, path) in [
                    (TestAPI.strangersKey, path), (TestAPI.key, path.replacing("\(id)", with: "999999")),
                    (TestAPI.key, path.replacing("\(id)", with: "default")),
                    (TestAPI.key, path.replacing("\(id)", with: "99999999999999999999")),
                ] {
                    let answer = try await api.call(method, "\(TestAPI.environments)/\(path)", body, key: key)
                    #expect(answer.status == .notFound, "\(method) \(path) \(answer)")
                    #expect(answer.error?.errorReason == "not_found")
                }
            }
            let list = try await api.call(.get, TestAPI.environments, key: TestAPI.strangersKey)
            #expect(try list.decoded(PageAnswer<EnvironmentBody>.self).count == 0)
            _ = try await api.createEnvironment("default", key: TestAPI.strangersKey)
            #expect(try await api.call(.get, "\(TestAPI.environments)/\(id)").status == .ok)
        }
    }

    @Test("The quota counts addresses, and machines that have one")
    func quota() async throws {
        try await TestAPI.with { api in
            _ = try await api.create(["count": 3])
            let answer = try await api.call(.get, "\(TestAPI.environments)/\(api.cloud.environment)/vm-quota")
            let quota = try answer.decoded(EnvironmentQuotaBody.self)
            #expect((quota.currentVMs, quota.availableVMs, quota.maximumVMs) == (3, 1018, 1021))
            #expect(quota.cidr == "10.1.0.0/22")
        }
    }

    @Test("Whether a name is free is said of one's own organization alone")
    func availability() async throws {
        try await TestAPI.with { api in
            func isFree(_ name: String, key: String) async throws -> Bool {
                try await api.call(.get, "\(TestAPI.environments)/name-availability/\(name)", key: key)
                    .decoded(NameAvailabilityBody.self).available
            }
            #expect(try await !isFree("default", key: TestAPI.key))
            #expect(try await isFree("default", key: TestAPI.strangersKey))
            #expect(try await isFree("a%2Fb%20c", key: TestAPI.key))
            for name in ["12", "name-availability", "%00", "%20x"] {
                let answer = try await api.call(.get, "\(TestAPI.environments)/name-availability/\(name)")
                #expect(answer.status == .badRequest, "\(name) \(answer)")
            }
        }
    }

    /// Bodies that cannot be, the status, and how the complaint begins.
    private static let badBodies: [(String, HTTPResponse.Status, String)] = [
        (#"{"region":"TEST-1"}"#, .badRequest, "name is missing"),
        (#"{"name":"a"}"#, .badRequest, "region is missing"),
        (#"{"name":"","region":"TEST-1"}"#, .badRequest, "name: it is empty"),
        (#"{"name":"\#(String(repeating: "ü", count: 51))","region":"TEST-1"}"#, .badRequest, "name: it has 51"),
        (#"{"name":" a","region":"TEST-1"}"#, .badRequest, "name: it begins or ends with a space"),
        (#"{"name":"a\nb","region":"TEST-1"}"#, .badRequest, "name: it holds a control character"),
        (#"{"name":"a\u0000b","region":"TEST-1"}"#, .badRequest, "name: it holds a control character"),
        (#"{"name":"12345","region":"TEST-1"}"#, .badRequest, "name: it is a number"),
        (#"{"name":"name-availability","region":"TEST-1"}"#, .badRequest, "name: “name-availability” has a meaning"),
        (#"{"name":"..","region":"TEST-1"}"#, .badRequest, "name: “..” has a meaning"),
        (#"{"name":"default","region":"TEST-1"}"#, .conflict, "There is an environment named “default”"),
        (#"{"name":"a","region":"NOWHERE-1"}"#, .notFound, "region: there is no region “NOWHERE-1”"),
        (#"{"name":"a","region":"\u0000"}"#, .badRequest, "A text holds the character U+0000"),
        (#"{"name":7,"region":"TEST-1"}"#, .badRequest, "name has to be a string"),
        (#"{"name":"a","region":null}"#, .badRequest, "region has to be a string"),
        (#"{"name":"a","region":"TEST-1","regoin":"x"}"#, .badRequest, "regoin: there is no such field; “region”"),
        ("[]", .badRequest, "The body has to be an object"), ("{", .badRequest, "The body is not JSON"),
        ("", .badRequest, "The body is not JSON"),
    ]

    @Test("What cannot be is named, and leaves no row")
    func badInput() async throws {
        try await TestAPI.with { api in
            let rows: SQL = """
                SELECT (SELECT count(*) FROM environment) + (SELECT count(*) FROM private_address) AS number
                """
            let before = try await api.cloud.number(rows)
            for (body, status, complaint) in Self.badBodies {
                let answer = try await api.call(.post, TestAPI.environments, body)
                #expect(answer.status == status, "\(body) \(answer)")
                #expect(answer.error?.message.hasPrefix(complaint) == true, "\(body) \(answer)")
            }
            #expect(try await api.cloud.number(rows) == before)
            for name in ["", "12", "contract", "default2 "] {
                let path = "\(TestAPI.environments)/\(api.cloud.environment)"
                #expect(try await api.call(.put, path, #"{"name":"\#(name)"}"#).status == .badRequest)
            }
            #expect(
                try await api.cloud.number("SELECT count(*) AS number FROM environment WHERE name = 'default'") == 1
            )
        }
    }

    @Test("No environment can have the name of a word that stands in its place in a path")
    func reservedNames() async throws {
        try await TestAPI.with { api in
            let words = api.routes.compactMap { route -> String? in
                let segments = route.path.split(separator: "/").map(String.init)
                guard segments.count > 3, ["virtual-machines", "environments"].contains(segments[2]) else { return nil }
                return segments[3].hasPrefix("{") ? nil : segments[3]
            }
            #expect(!words.isEmpty)
            for word in words {
                let body = #"{"name":"\#(word)","region":"TEST-1"}"#
                let answer = try await api.call(.post, TestAPI.environments, body)
                #expect(answer.status == .badRequest, "\(word)")
            }
        }
    }
}
