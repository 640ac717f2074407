// SPDX-License-Identifier: Apache-2.0

import Foundation
import GantryModel
import GantryProtocol
import HTTPTypes
import Postgres
import Testing

@Suite("Machines are found by environment and name or label, each operation's answer says what it touched")
struct MachineNameRouteTests {
    private static let environment = "\(TestAPI.machines)/default"

    @Test("By its name a machine is answered as by its id")
    func name() async throws {
        try await TestAPI.with { api in
            let machine = try #require(try await api.create().first)
            let path = "\(Self.environment)/web"
            #expect(try await api.call(.get, path).decoded(InstanceAnswer.self).instance.id == machine.id)
            let labelled = try await api.call(.put, "\(path)/label", #"{"labels":["blue"]}"#)
            #expect(try labelled.decoded(StatusBody.self).message == "labels for VM: web is set to: ['blue']")
            let started = try await api.call(.get, "\(path)/start")
            #expect(started.status == .conflict)
            #expect(started.error?.message.contains("CREATING") == true)
            #expect(try await api.call(.delete, path).decoded(StatusBody.self).message == "Instance is being deleted.")
            let events = try await api.call(.get, "\(path)/events").decoded(InstanceEventsAnswer.self)
            #expect(events.instanceEvents.map(\.reason) == ["InstanceCreationRequest", "InstanceDeleteRequest"])
        }
    }

    @Test("By a label all machines of the environment that have it are shown")
    func label() async throws {
        try await TestAPI.with { api in
            _ = try await api.create(["name": "web", "count": 2, "labels": ["blau grün/🚀"]])
            _ = try await api.create(["name": "other"])
            let path = "\(Self.environment)/blau%20gr%C3%BCn%2F%F0%9F%9A%80"
            let shown = try await api.call(.get, path).decoded(InstancesAnswer.self)
            #expect(shown.instances.map(\.name) == ["web-1", "web-2"])
            #expect(shown.count == 2)
            let events = try await api.call(.get, "\(path)/events").decoded(InstanceEventsAnswer.self)
            #expect(events.instanceEvents.map(\.object) == ["web-1", "web-2"])
        }
    }

    @Test("An operation on a label does what it can, and says of each machine what became of it")
    func partly() async throws {
        try await TestAPI.with { api in
            let node = try await SpeakingNode("two", in: api.cloud)
            try await api.cloud.execute("UPDATE compute_node SET cordoned = true WHERE name = 'one'")
            let early = try await api.create(["name": "early", "count": 2, "labels": ["blue"]])
            try await node.converge()
            let late = try #require(try await api.create(["name": "late", "labels": ["blue"]]).first)
            let answer = try await api.call(.get, "\(Self.environment)/blue/stop")
            #expect(answer.status == .ok)
            let done = try answer.decoded(MachineResultsAnswer.self)
            #expect(!done.status)
            #expect(done.message == "It was done to 2 of 3 VMs.")
            #expect(done.results.map(\.id) == early.map(\.id) + [late.id])
            #expect(done.results.map(\.errorReason) == [nil, nil, "conflict"])
            #expect(done.results.first?.message == "VM early-1 is scheduled to stop.")
            #expect(done.results.last?.message.contains("CREATING") == true)
            let shown = try await api.call(.get, "\(Self.environment)/blue").decoded(InstancesAnswer.self)
            #expect(shown.instances.map(\.status) == ["STOPPING", "STOPPING", "CREATING"])
            let deleted = try await api.call(.delete, "\(Self.environment)/blue").decoded(MachineResultsAnswer.self)
            #expect(deleted.status)
            #expect(deleted.results.count == 3)
        }
    }

    @Test("An operation that no machine of a label allows has the status of its refusals")
    func nothing() async throws {
        try await TestAPI.with { api in
            _ = try await api.create(["count": 2, "labels": ["blue"]])
            let answer = try await api.call(.get, "\(Self.environment)/blue/stop")
            #expect((answer.status, answer.error?.errorReason) == (.conflict, "conflict"))
            #expect(answer.error?.message.hasPrefix("Nothing was done. ") == true, "\(answer)")
        }
    }

    @Test("What is a name and a label needs “by”")
    func ambiguous() async throws {
        try await TestAPI.with { api in
            let named = try #require(try await api.create(["name": "blue"]).first)
            let labelled = try #require(try await api.create(["name": "web", "labels": ["blue"]]).first)
            let path = "\(Self.environment)/blue"
            let refused = try await api.call(.delete, path)
            #expect(refused.status == .conflict)
            #expect(refused.error?.errorReason == "ambiguous")
            #expect(refused.error?.message.contains("?by=name") == true)
            #expect(
                try await api.call(.get, "\(path)?by=name").decoded(InstanceAnswer.self).instance.id == named.id
            )
            #expect(
                try await api.call(.get, "\(path)?by=label").decoded(InstancesAnswer.self).instances.map(\.id)
                    == [labelled.id]
            )
            #expect(try await api.call(.get, "\(path)?by=colour").status == .badRequest)
            #expect(try await api.call(.get, "\(Self.environment)/web?by=label").status == .notFound)
        }
    }

    @Test("A machine that is called as an operation is answers to its name with an operation, and is reached by its id")
    func operationWords() async throws {
        try await TestAPI.with { api in
            _ = try await api.create(["name": "start"])
            let shown = try await api.call(.get, "\(Self.environment)/start")
            #expect(shown.status == .notFound)
            #expect(shown.error?.message.contains("reached by its id") == true)
            let stopped = try await api.call(.get, "\(Self.environment)/start/stop")
            #expect(stopped.status == .conflict)
            #expect(stopped.error?.message.contains("CREATING") == true, "\(stopped)")
        }
    }

    @Test(
        "What is nothing here is not found, another organization's too",
        arguments: ["default/nobody", "nowhere/web", "default/nobody/stop", "7/web", "7/web/stop", "default%2F/web"]
    )
    func unknown(_ path: String) async throws {
        try await TestAPI.with { api in
            _ = try await api.create(["labels": ["blue"]])
            #expect(try await api.call(.get, "\(TestAPI.machines)/\(path)").status == .notFound)
            for path in ["web", "blue", "blue/stop"] {
                let stranger = try await api.call(.get, "\(Self.environment)/\(path)", key: TestAPI.strangersKey)
                #expect(stranger.status == .notFound, "\(stranger)")
            }
        }
    }

    @Test("One call touches a hundred machines and no more")
    func bound() async throws {
        try await TestAPI.with { api in
            try await api.cloud.addNode("big", .init(vcpus: 500, memoryMiB: 1 << 20, diskGiB: 10_000))
            _ = try await api.create(["name": "web", "count": 100, "labels": ["blue"]])
            let path = "\(Self.environment)/blue"
            #expect(try await api.call(.get, path).decoded(InstancesAnswer.self).count == 100)
            _ = try await api.create(["name": "more", "labels": ["blue"]])
            let refused = try await api.call(.delete, path)
            #expect(refused.status == .badRequest)
            #expect(refused.error?.message.contains("100") == true)
        }
    }
}
