// SPDX-License-Identifier: Apache-2.0

import GantryProtocol
import HTTPTypes
import Postgres
import Testing

@Suite("Machines are shown, listed, moved between states and labelled, each within its organization")
struct MachineRouteTests {
    @Test("Lists have pages, a search and an environment; without parameters they are whole")
    func list() async throws {
        try await TestAPI.with { api in
            _ = try await api.create(["name": "web", "count": 12])
            _ = try await api.create(["name": "database", "labels": ["blue"]])
            func list(_ query: String) async throws -> InstancesAnswer {
                let answer = try await api.call(.get, "\(TestAPI.machines)\(query)")
                #expect(answer.status == .ok, "\(answer)")
                return try answer.decoded(InstancesAnswer.self)
            }
            let whole = try await list("")
            #expect((whole.count, whole.instances.count, whole.page, whole.pageSize) == (13, 13, nil, nil))
            #expect(whole.instances.map(\.id) == whole.instances.map(\.id).sorted())
            let second = try await list("?page=2&pageSize=5")
            #expect(second.instances.map(\.name) == (6...10).map { "web-\($0)" })
            #expect((second.count, second.page, second.pageSize) == (13, 2, 5))
            #expect(try await list("?page=2").instances.count == 3)
            let beyond = try await list("?page=9&pageSize=5")
            #expect((beyond.count, beyond.instances.count) == (13, 0))
            #expect(try await list("?search=DATA").instances.map(\.name) == ["database"])
            #expect(try await list("?search=blue").instances.map(\.name) == ["database"])
            #expect(try await list("?environment=def").count == 13)
            #expect(try await list("?environment=def&exact_environment_match=true").count == 0)
        }
    }

    @Test(
        "Parameters that cannot be are named",
        arguments: [
            ("page=0", "page"), ("page=x", "page"), ("pageSize=-1", "pageSize"), ("pageSize=100000", "pageSize"),
            ("exact_environment_match=maybe", "exact_environment_match"),
        ]
    )
    func badQuery(_ query: String, _ name: String) async throws {
        try await TestAPI.with { api in
            let answer = try await api.call(.get, "\(TestAPI.machines)?\(query)")
            #expect(answer.status == .badRequest)
            #expect(answer.error?.message.hasPrefix("\(name):") == true, "\(answer)")
        }
    }

    @Test(
        "Another organization sees nothing of a machine and can do nothing to it",
        arguments: [
            (HTTPRequest.Method.get, "", nil), (.delete, "", nil), (.get, "/start", nil), (.get, "/stop", nil),
            (.get, "/hard-reboot", nil), (.get, "/hibernate", nil), (.get, "/hibernate-restore", nil),
            (.get, "/events", nil), (.put, "/label", #"{"labels":[]}"#),
            (.post, "/resize", #"{"flavor_name":"small"}"#),
        ] as [(HTTPRequest.Method, String, String?)]
    )
    func scope(_ method: HTTPRequest.Method, _ path: String, _ body: String?) async throws {
        try await TestAPI.with { api in
            let machine = try #require(try await api.create().first)
            let route = "\(TestAPI.machines)/\(machine.id)\(path)"
            let stranger = try await api.call(method, route, body, key: TestAPI.strangersKey)
            #expect(stranger.status == .notFound, "\(stranger)")
            #expect(stranger.error?.errorReason == "not_found")
            let all = try await api.call(.get, TestAPI.machines, key: TestAPI.strangersKey)
            #expect(try all.decoded(InstancesAnswer.self).instances.isEmpty)
            #expect(try await api.call(method, "\(TestAPI.machines)/999999\(path)", body).status == .notFound)
            #expect(try await api.call(method, "\(TestAPI.machines)/nonsense\(path)", body).status == .notFound)
        }
    }

    @Test("What the state does not allow is a bad request at rest, and a conflict while something else is under way")
    func wrongState() async throws {
        try await TestAPI.with { api in
            let machine = try #require(try await api.create().first)
            let path = "\(TestAPI.machines)/\(machine.id)"
            for operation in ["start", "stop", "hard-reboot"] {
                let answer = try await api.call(.get, "\(path)/\(operation)")
                #expect((answer.status, answer.error?.errorReason) == (.conflict, "conflict"), "\(answer)")
                #expect(answer.error?.message.contains("is CREATING; try again when that is done: it can be") == true)
            }
            try await api.cloud.execute("UPDATE virtual_machine SET phase = 'active', observed_power = 'running'")
            for operation in ["start", "hibernate-restore"] {
                let answer = try await api.call(.get, "\(path)/\(operation)")
                #expect((answer.status, answer.error?.errorReason) == (.badRequest, "bad_request"), "\(answer)")
                #expect(answer.error?.message.contains("is ACTIVE; it can be") == true)
            }
            #expect(try await api.call(.delete, path).status == .ok)
            let late = try await api.call(.get, "\(path)/stop")
            #expect((late.status, late.error?.errorReason) == (.conflict, "conflict"), "\(late)")
        }
    }

    @Test("A machine that is being created can be deleted, and is shown as DELETING until its node confirms")
    func delete() async throws {
        try await TestAPI.with { api in
            let machine = try #require(try await api.create().first)
            let path = "\(TestAPI.machines)/\(machine.id)"
            let deleted = try await api.call(.delete, path)
            #expect(try deleted.decoded(StatusBody.self).message == "Instance is being deleted.")
            #expect(try await api.call(.get, path).decoded(InstanceAnswer.self).instance.status == "DELETING")
            #expect(try await api.call(.delete, path).status == .ok)
            let events = try await api.call(.get, "\(path)/events").decoded(InstanceEventsAnswer.self)
            #expect(events.instanceEvents.map(\.reason) == ["InstanceCreationRequest", "InstanceDeleteRequest"])
            #expect(events.instanceEvents.first?.object == "web")
        }
    }

    @Test("Labels are replaced as a set")
    func labels() async throws {
        try await TestAPI.with { api in
            let machine = try #require(try await api.create(["labels": ["a", "b"]]).first)
            let path = "\(TestAPI.machines)/\(machine.id)"
            let answer = try await api.call(.put, "\(path)/label", #"{"labels":["b","c"]}"#)
            #expect(try answer.decoded(StatusBody.self).message == "labels for VM: web is set to: ['b', 'c']")
            #expect(try await api.call(.get, path).decoded(InstanceAnswer.self).instance.labels == ["b", "c"])
        }
    }

    @Test("A name's availability counts numbered names too")
    func availability() async throws {
        try await TestAPI.with { api in
            _ = try await api.create(["name": "web-2"])
            func isFree(_ path: String) async throws -> Bool {
                try await api.call(.get, "\(TestAPI.machines)/name-availability/\(path)")
                    .decoded(NameAvailabilityBody.self).available
            }
            #expect(try await isFree("web"))
            #expect(try await !isFree("web-2"))
            #expect(try await !isFree("web?count=3"))
            #expect(try await isFree("a%20b"))
            let long = String(repeating: "x", count: 51)
            let answer = try await api.call(.get, "\(TestAPI.machines)/name-availability/\(long)")
            #expect(answer.status == .badRequest)
        }
    }
}
