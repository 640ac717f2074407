// SPDX-License-Identifier: Apache-2.0

import Conductor
import GantryModel
import GantryProtocol
import HTTPTypes
import Logging
import Postgres
import Testing

@Suite("A tenant asks for a machine's serial log, and its node brings it")
struct SerialLogRouteTests {
    private static func machine(_ api: TestAPI) async throws -> (path: String, record: VirtualMachineRecord) {
        let body = try #require(try await api.create().first)
        let id = VirtualMachineID(body.id)
        let record = try #require(try await api.cloud.store.machine(id, in: api.cloud.organization))
        return ("\(TestAPI.machines)/\(id)", record)
    }

    private static func activate(_ record: VirtualMachineRecord, _ api: TestAPI) async throws {
        try await api.cloud.execute("UPDATE virtual_machine SET phase = 'active' WHERE id = \(record.id)")
    }

    private static func node(of record: VirtualMachineRecord, _ api: TestAPI) async throws -> NodeID {
        NodeID(
            Int64(try await api.cloud.number("SELECT node_id AS number FROM virtual_machine WHERE id = \(record.id)"))
        )
    }

    @Test("The request is a job in the machine's task until its outcome is there, which the tenant then fetches")
    func life() async throws {
        try await TestAPI.with { api in
            let (path, record) = try await Self.machine(api)
            try await Self.activate(record, api)
            let asked = try await api.call(.post, "\(path)/logs", #"{"length":50}"#)
            let number = try asked.decoded(SerialLogRequestedAnswer.self).requestID
            let task = try await api.cloud.task(record)
            #expect(task.jobs == [MachineJob(id: MachineJobID(number), work: .serialLog(lines: 50))])
            #expect(task.generation > record.appliedGeneration)

            let fetch = "\(path)/logs?request_id=\(number)"
            let early = try await api.call(.get, fetch)
            #expect(try (early.status, early.decoded(SerialLogAnswer.self).logs) == (.ok, nil))
            #expect(try early.decoded(SerialLogAnswer.self).status == false)
            #expect(try await api.call(.get, fetch, key: TestAPI.strangersKey).status == .notFound)

            let jobs = MachineJobs(database: api.cloud.database)
            let node = try await Self.node(of: record, api)
            await #expect(throws: NodeRefusal.self) {
                try await jobs.finish(
                    MachineJobID(number),
                    MachineJobOutcome(text: "x"),
                    by: NodeID(node.rawValue + 1)
                )
            }
            try await jobs.finish(MachineJobID(number), MachineJobOutcome(text: "login:\n"), by: node)
            try await jobs.finish(MachineJobID(number), MachineJobOutcome(text: "again"), by: node)
            #expect(try await api.call(.get, fetch).decoded(SerialLogAnswer.self).logs == "login:\n")
            #expect(try await api.cloud.task(record).jobs == [])
        }
    }

    @Test("A log that the node could not bring in time is refused with the reason")
    func late() async throws {
        try await TestAPI.with { api in
            let (path, record) = try await Self.machine(api)
            try await Self.activate(record, api)
            let number = try await api.call(.post, "\(path)/logs", "{}").decoded(SerialLogRequestedAnswer.self)
                .requestID
            try await api.cloud.execute("UPDATE machine_job SET expires_at = now() - interval '1 second'")
            #expect(try await api.cloud.task(record).jobs == [])
            let cloud = api.cloud
            await Reconciler(database: cloud.database, outbox: cloud.outbox, logger: Logger(label: "test")).round()
            let answer = try await api.call(.get, "\(path)/logs?request_id=\(number)")
            #expect(answer.status == .badRequest)
            #expect(answer.error?.message.contains("in time") == true, "\(answer)")
        }
    }

    @Test("What cannot be is refused: a machine that is not ACTIVE, no lines, a number of another machine")
    func refusals() async throws {
        try await TestAPI.with { api in
            let (path, record) = try await Self.machine(api)
            #expect(try await api.call(.post, "\(path)/logs", "{}").status == .conflict)
            try await Self.activate(record, api)
            #expect(try await api.call(.post, "\(path)/logs", #"{"length":0}"#).status == .badRequest)
            #expect(try await api.call(.get, "\(path)/logs").status == .badRequest)
            #expect(try await api.call(.get, "\(path)/logs?request_id=1").status == .notFound)
            let byName = try await api.call(.post, "\(TestAPI.machines)/default/web/logs", "{}")
            let number = try byName.decoded(SerialLogRequestedAnswer.self).requestID
            let other = try #require(try await api.create(["name": "other"]).first)
            let foreign = try await api.call(.get, "\(TestAPI.machines)/\(other.id)/logs?request_id=\(number)")
            #expect(foreign.status == .notFound)
        }
    }
}
