// SPDX-License-Identifier: Apache-2.0

import Conductor
import Foundation
import GantryModel
import GantryProtocol
import GantryTestSupport
import HTTPTypes
import Postgres
import Testing

@Suite("Operators see nodes, keep machines off them and remove them, and look at dead letters")
struct NodeAdministrationTests {
    @Test("A node that joined is shown, and removed with what the broker has of it")
    func life() async throws {
        try await withTemporaryVirtualHost { host in
            try await TestAPI.with(broker: host) { api in
                let joined = try await api.joinedHost()
                let name = joined.node
                let door = NodeAuthenticator(database: api.cloud.database)
                #expect(try await door.authenticate(joined.credentials.apiKey, as: name).name == name)
                let queues = try await host.manage("GET", "queues/\(host.name)")
                #expect(queues.contains("gantry.node.\(name)"))

                let shown = try await api.operate(.get, "nodes/\(name)", showing: NodeBody.self)
                #expect((shown.state, shown.schedulable, shown.region) == ("new", false, "TEST-1"))
                #expect(shown.ratios == RatiosBody(vcpu: 1, memory: 1, disk: 1))
                #expect(shown.hostname == joined.hostname && shown.lastReportAt == nil)
                #expect(try await api.list("nodes?search=\(name)", of: NodeBody.self).contents == [shown])

                #expect(try await api.operate(.delete, "nodes/\(name)").status == .ok)
                #expect(try await api.operate(.delete, "nodes/\(name)").status == .notFound)
                #expect(try await !host.manage("GET", "queues/\(host.name)").contains("gantry.node.\(name)"))
            }
        }
    }

    @Test("A cordoned node takes nothing new and says why; its ratios and host are changed by name")
    func change() async throws {
        try await TestAPI.with { api in
            _ = try await api.create()
            let cordoned = try await api.operate(
                .post,
                "nodes/one/cordon",
                #"{"reason":"new fans; ünï & <b>"}"#,
                showing: NodeBody.self
            )
            #expect((cordoned.cordoned, cordoned.schedulable) == (true, false))
            #expect(cordoned.cordonReason == "new fans; ünï & <b>")
            #expect((cordoned.virtualMachineCount, cordoned.allocated.vcpus) == (1, 1))
            let refused = try await api.call(.post, TestAPI.machines, TestAPI.creation(["name": "next"]))
            #expect(refused.error?.errorReason == "no_capacity")
            let back = try await api.operate(.post, "nodes/one/uncordon", showing: NodeBody.self)
            #expect((back.schedulable, back.cordonReason) == (true, nil))
            let ratios = try await api.operate(.put, "nodes/one/ratios", #"{"vcpu":2.5}"#, showing: NodeBody.self)
            #expect(ratios.ratios == RatiosBody(vcpu: 2.5, memory: 1, disk: 1))
            #expect(ratios.limit.vcpus == 40)
            #expect((ratios.hostname, ratios.memoryPageMiB) == ("one", nil))
            try await api.cloud.execute("UPDATE compute_node SET memory_page_mib = 1024")
            #expect(try await api.operate(.get, "nodes/one", showing: NodeBody.self).memoryPageMiB == 1024)
            #expect(try await api.operate(.post, "nodes/one/forget-host", showing: NodeBody.self).hostname == nil)
        }
    }

    @Test("A node is drained and shows how far it is, machine by machine, until it is uncordoned")
    func drain() async throws {
        try await TestAPI.with { api in
            let machine = try #require(try await api.create(["name": "web"]).first)
            let drained = try await api.operate(
                .post,
                "nodes/one/drain",
                #"{"policy":"move","reason":"fans"}"#,
                showing: NodeBody.self
            )
            #expect((drained.cordoned, drained.cordonReason, drained.schedulable) == (true, "fans", false))
            let drain = try #require(drained.drain)
            #expect((drain.policy, drain.left, drain.staying, drain.obstacle) == (.move, 0, 1, nil))
            #expect(drain.finishedAt != nil)
            let listed = try await api.list("nodes/one/virtual-machines?search=web", of: NodeMachineBody.self).contents
            #expect(listed.map(\.id) == [machine.id])
            #expect(listed.map(\.drain) == ["stays"] && listed[0].drainReason == "its root disk is on the node")
            #expect((listed[0].organization, listed[0].vcpus, listed[0].holdsCompute) == ("acme", 1, true))
            let waiting = try await api.operate(
                .post,
                "nodes/one/drain",
                #"{"policy":"wait","reason":"fans"}"#,
                showing: NodeBody.self
            )
            #expect(waiting.drain?.left == 1 && waiting.drain?.finishedAt == nil)
            let back = try await api.operate(.post, "nodes/one/uncordon", showing: NodeBody.self)
            #expect(back.drain == nil && back.schedulable)
            let after = try await api.list("nodes/one/virtual-machines", of: NodeMachineBody.self).contents
            #expect(after.map(\.drain) == [nil] && after[0].localState == "its root disk is on the node")
        }
    }

    @Test("A node is declared dead when it is silent, its name is repeated, and it is said how its host was fenced")
    func declareDead() async throws {
        try await TestAPI.with { api in
            let sound = #"{"confirm":"one","fenced_by":"IPMI"}"#
            let refused = try await api.operate(.post, "nodes/one/declare-dead", sound)
            #expect(refused.status == .conflict && refused.error?.message.contains("not dead") == true, "\(refused)")
            try await api.cloud.execute("UPDATE compute_node SET state = 'silent'")
            let silent: SQL = "SELECT count(*) AS number FROM compute_node WHERE state = 'silent'"
            try await api.refuses(
                [
                    ("{}", .badRequest, "confirm is missing"),
                    (
                        #"{"confirm":"two","fenced_by":"IPMI"}"#, .badRequest,
                        "confirm: it has to be the node's name, one"
                    ),
                    (#"{"confirm":"one","fenced_by":""}"#, .badRequest, "fenced_by: it is empty"),
                ],
                "nodes/one/declare-dead",
                rows: silent
            )
            let dead = try await api.operate(.post, "nodes/one/declare-dead", sound, showing: NodeBody.self)
            #expect((dead.state, dead.fencedBy, dead.schedulable) == ("dead", "IPMI", false))
            #expect(dead.declaredDeadAt != nil)
        }
    }

    @Test("GPUs are shown with who has them")
    func gpus() async throws {
        try await TestAPI.with { api in
            try await api.cloud.addNode("two", gpus: [0, 0])
            let machine = try #require(try await api.create(["flavor_name": "gpu"]).first)
            try await api.cloud.execute("UPDATE gpu_device SET numa_node = NULL WHERE address LIKE '%:01:%'")
            let node = try await api.operate(.get, "nodes/two", showing: NodeBody.self)
            #expect(node.gpus.map(\.state) == ["allocated", "allocated"])
            #expect(node.gpus.map(\.virtualMachineID) == [machine.id, machine.id])
            #expect(node.gpus.map(\.numaNode) == [nil, 0])
        }
    }

    @Test("A node with machines is kept")
    func inUse() async throws {
        try await withTemporaryVirtualHost { host in
            try await TestAPI.with(broker: host) { api in
                _ = try await api.create()
                let refused = try await api.operate(.delete, "nodes/one")
                #expect(refused.status == .conflict)
                #expect(refused.error?.message.contains("still has machines") == true, "\(refused)")
                #expect(try await api.operate(.get, "nodes/one").status == .ok)
            }
        }
    }

    @Test("A dead node that never comes back is removed, and with it the volumes that were to be deleted there")
    func neverBack() async throws {
        try await withTemporaryVirtualHost { host in
            try await TestAPI.with(broker: host) { api in
                try await api.cloud.addPool("local", .local)
                let volume = try await api.cloud.addVolume("data", sizeGiB: 7)
                try await api.cloud.execute("UPDATE volume SET state = 'made', node_id = (SELECT id FROM compute_node)")
                try await api.cloud.execute("UPDATE compute_node SET allocated_disk_gib = 7, state = 'silent'")
                let sound = #"{"confirm":"one","fenced_by":"scrapped"}"#
                #expect(try await api.operate(.post, "nodes/one/declare-dead", sound).status == .ok)
                #expect(try await api.operate(.delete, "nodes/one").status == .conflict)
                #expect(try await api.call(.delete, "/v1/core/volumes/\(volume)").status == .ok)
                let left: SQL = "SELECT count(*) AS number FROM volume WHERE state <> 'deleted'"
                #expect(try await api.cloud.number(left) == 1)
                #expect(try await api.operate(.delete, "nodes/one").status == .ok)
                #expect(try await api.cloud.number(left) == 0)
            }
        }
    }

    @Test("Without the broker a node's key ends all the same, and it is said that there is more to do, which passes")
    func brokerAway() async throws {
        try await TestAPI.with { api in
            let answer = try await api.operate(.post, "nodes/one/revoke-credentials")
            #expect(answer.status == .serviceUnavailable, "\(answer)")
            #expect(answer.headers[.retryAfter] == "1")
            let door = NodeAuthenticator(database: api.cloud.database)
            await #expect(throws: NodeRefusal.self) { try await door.authenticate("one", as: NodeName("one")) }
        }
    }

    @Test("What cannot be is named, and changes nothing")
    func badInput() async throws {
        try await TestAPI.with { api in
            let unchanged: SQL = "SELECT count(*) AS number FROM compute_node WHERE NOT cordoned AND vcpu_ratio = 1"
            try await api.refuses(
                [("{}", .badRequest, "reason is missing"), (#"{"reason":""}"#, .badRequest, "reason: it is empty")],
                "nodes/one/cordon",
                rows: unchanged
            )
            try await api.refuses(
                [
                    (#"{"reason":"fans"}"#, .badRequest, "policy is missing"),
                    (#"{"policy":"away","reason":"fans"}"#, .badRequest, "policy"),
                    (#"{"policy":"stop","reason":""}"#, .badRequest, "reason: it is empty"),
                ],
                "nodes/one/drain",
                rows: unchanged
            )
            try await api.refuses(
                [
                    (#"{"memory":0.05}"#, .badRequest, "0.05 is no memory overcommit ratio"),
                    (#"{"vcpu":65}"#, .badRequest, "65.0 is no vCPU overcommit ratio"),
                    (#"{"cpu":4}"#, .badRequest, "cpu: there is no such field; “vcpu” is the nearest"),
                    (#"{"vcpu":"2"}"#, .badRequest, "vcpu has to be a number"),
                    (#"{"vcpu":1e999}"#, .badRequest, "vcpu: the number cannot be"),
                ],
                "nodes/one/ratios",
                rows: unchanged,
                method: .put
            )
        }
    }

    @Test(
        "A node that does not exist is a 404, whatever is asked of it",
        arguments: ["two", "Two", "..", "a%2Fb", "1"]
    )
    func missing(_ name: String) async throws {
        try await TestAPI.with { api in
            let calls: [(HTTPRequest.Method, String, String?)] = [
                (.get, "", nil), (.post, "/cordon", #"{"reason":"x"}"#), (.post, "/uncordon", nil),
                (.put, "/ratios", "{}"), (.post, "/rotate-credentials", nil), (.post, "/revoke-credentials", nil),
                (.post, "/forget-host", nil),
            ]
            for (method, path, body) in calls {
                let answer = try await api.operate(method, "nodes/\(name)\(path)", body)
                #expect(answer.status == .notFound, "\(method) \(path) \(answer)")
            }
        }
    }

    // MARK: - Dead letters

    @Test("Dead letters come newest first in pages that are never too long, and are forgotten one by one")
    func deadLetters() async throws {
        try await TestAPI.with { api in
            let store = DeadLetterStore(database: api.cloud.database)
            for number in 1...12 {
                try await store.add(
                    messageID: "\(number)",
                    queue: "gantry.node.one",
                    reason: "rejected",
                    body: Data("{\"n\": \(number)}".utf8)
                )
            }
            let first = try await api.list("dead-letters", of: DeadLetterBody.self)
            #expect((first.count, first.page, first.pageSize, first.contents.count) == (12, 1, 10, 10))
            #expect(first.contents.first?.body == "{\"n\": 12}")
            let second = try await api.list("dead-letters?page=2&pageSize=5", of: DeadLetterBody.self)
            #expect(second.contents.map(\.body) == (3...7).reversed().map { "{\"n\": \($0)}" })
            #expect(try await api.operate(.get, "dead-letters?pageSize=101").status == .badRequest)
            let id = try #require(first.contents.first?.id)
            #expect(try await api.operate(.delete, "dead-letters/\(id)").status == .ok)
            #expect(try await api.operate(.delete, "dead-letters/\(id)").status == .notFound)
            #expect(try await api.list("dead-letters", of: DeadLetterBody.self).count == 11)
        }
    }
}
