// SPDX-License-Identifier: Apache-2.0

import Agent
import Foundation
import GantryModel
import GantryProtocol
import GantryTestSupport
import SimulatedHost
import Testing

@Suite("Jobs are done once each, beside their machine's convergence")
struct JobRunnerTests {
    private let uuid: MachineUUID

    init() throws {
        uuid = try MachineUUID(Example.uuid)
    }

    private static let log = MachineJob(id: MachineJobID(7), work: .serialLog(lines: 10))

    private static func task(_ generation: Int64 = 1, _ jobs: [MachineJob]) throws -> MachineTask {
        var task = try Example.task(generation: generation)
        task.jobs = jobs
        return task
    }

    @Test("A job's outcome is told, and the job is not done again for the same or a newer task")
    func once() async throws {
        try await withTemporaryDirectory { folder in
            let node = try SimulatedNode(folder: folder)
            await node.start()
            try await node.supervisor.take(Self.task(1, [Self.log]))
            try await eventually("the outcome is journaled") {
                await node.journal.entry(uuid)?.finishedJobs == [Self.log.id]
            }
            try await node.supervisor.take(Self.task(1, [Self.log]))
            try await node.supervisor.take(Self.task(2, [Self.log]))
            let last = MachineJob(id: MachineJobID(8), work: .serialLog(lines: 1))
            try await node.supervisor.take(Self.task(3, [Self.log, last]))
            try await eventually("the last outcome is told") { await node.conductor.outcomes[last.id] != nil }
            let outcomes = await node.conductor.outcomes
            #expect(outcomes[Self.log.id]?.count == 1)
            #expect(outcomes[Self.log.id]?.first?.text?.hasSuffix("login:\n") == true)
        }
    }

    @Test(
        "An outcome that was not taken is told again, and a job that was cut off before is done again by the next agent"
    )
    func again() async throws {
        try await withTemporaryDirectory { folder in
            let host = SimulatedHost()
            let deaf = ListeningConductor()
            await deaf.failAlways(.unavailable("away"))
            let first = try SimulatedNode(folder: folder, host: host, conductor: deaf)
            await first.start()
            try await first.supervisor.take(Self.task(1, [Self.log]))
            try await eventually("it is told again") { await deaf.refusals >= 2 }
            await first.supervisor.stop()
            #expect(await first.journal.entry(uuid)?.finishedJobs == [])

            let second = try SimulatedNode(folder: folder, host: host)
            await second.start()
            try await eventually("it is done again") { await second.conductor.outcomes[Self.log.id]?.count == 1 }
            try await eventually("the outcome is journaled") {
                await second.journal.entry(uuid)?.finishedJobs == [Self.log.id]
            }
        }
    }

    @Test("Work of a kind that the agent does not know is answered as a fault, and its task is done all the same")
    func unknownKind() async throws {
        let text = #"{"id": 9, "work": {"kind": "paint", "colour": "red"}}"#
        let job = try NodeJSON.decoder.decode(MachineJob.self, from: Data(text.utf8))
        try await withTemporaryDirectory { folder in
            let node = try SimulatedNode(folder: folder)
            await node.start()
            try await node.supervisor.take(Self.task(1, [job]))
            try await eventually("the fault is told") {
                await node.conductor.outcomes[job.id]?.first?.fault?.code == .specUnsupported
            }
            try await eventually("the machine runs") { await node.listener.last(uuid)?.power == .running }
        }
    }

    @Test("A job that a newer task no longer names is ended, and nobody is told")
    func dropped() async throws {
        try await withTemporaryDirectory { folder in
            let deaf = ListeningConductor()
            await deaf.failAlways(.unavailable("away"))
            let node = try SimulatedNode(folder: folder, conductor: deaf)
            await node.start()
            try await node.supervisor.take(Self.task(1, [Self.log]))
            try await eventually("it is told") { await deaf.refusals >= 1 }
            try await node.supervisor.take(Self.task(2, []))
            try await eventually("nobody is told any more") {
                let before = await deaf.refusals
                try await Task.sleep(for: .milliseconds(60))
                return await deaf.refusals == before
            }
            #expect(await deaf.outcomes.isEmpty)
        }
    }
}
