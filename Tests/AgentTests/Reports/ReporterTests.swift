// SPDX-License-Identifier: Apache-2.0

import Agent
import GantryModel
import GantryProtocol
import GantryTestSupport
import SimulatedHost
import Testing

@Suite("The conductor is told each machine's newest state, once it listens")
struct ReporterTests {
    private let host = SimulatedHost()
    private let conductor = ListeningConductor()

    /// Runs a reporter; what it throws in the end is returned.
    private func withReporter(
        _ body: (Reporter) async throws -> Void
    ) async throws -> (any Error)? {
        let reporter = Reporter(
            conductor: conductor,
            host: host,
            epoch: 7,
            bootID: "boot",
            logger: Example.logger
        )
        let run = Task { try await reporter.run(interval: 1) }
        let result: Result<Void, any Error>
        do {
            result = .success(try await body(reporter))
        } catch {
            result = .failure(error)
        }
        run.cancel()
        try result.get()
        do {
            try await run.value
            return nil
        } catch {
            return error
        }
    }

    private func report(
        _ power: ObservedPower,
        uuid: MachineUUID = MachineUUID(),
        generation: Int64 = 1
    ) -> MachineReport {
        MachineReport(uuid: uuid, appliedGeneration: Generation(generation), power: power)
    }

    @Test("Numbered one by one, from this session and boot; the inventory first and then when it changed")
    func numbers() async throws {
        _ = try await withReporter { reporter in
            try await eventually("it speaks by itself") { await conductor.reports.count >= 2 }
            await reporter.report(report(.running), received: nil)
            try await eventually("a machine is told of") { await !conductor.machines.isEmpty }
        }
        let reports = await conductor.reports
        #expect(reports.map(\.sequence) == (1...reports.count).map { Int64($0) })
        #expect(Set(reports.map(\.epoch)) == [7] && Set(reports.map(\.bootID)) == ["boot"])
        #expect(reports.map { $0.inventory != nil } == [true] + Array(repeating: false, count: reports.count - 1))
        #expect(reports.map(\.hypervisorReachable).contains(false) == false)
    }

    @Test("The first comes at once, since no machine comes to a node before it")
    func first() async throws {
        let reporter = Reporter(conductor: conductor, host: host, epoch: 7, bootID: "boot", logger: Example.logger)
        let run = Task { try await reporter.run(interval: 3600) }
        try await eventually("it speaks") { await conductor.reports.count == 1 }
        run.cancel()
        _ = await run.result
    }

    @Test("What was not taken is told again, and the inventory with it")
    func again() async throws {
        await conductor.fail(.unavailable("503"), .unavailable("no route"))
        let machine = report(.running)
        let received = Shared(0)
        _ = try await withReporter { reporter in
            await reporter.report(machine) { received.change { $0 += 1 } }
            try await eventually("it is received") { received.value == 1 }
        }
        let reports = await conductor.reports
        #expect(reports.first?.machines == [machine])
        #expect(reports.first?.inventory != nil)
        // Numbers of reports that may have arrived are not used twice.
        #expect(reports.first?.sequence == 3)
    }

    @Test("Of what waits, only the newest is told; what was replaced is never received")
    func newest() async throws {
        await conductor.fail(.unavailable("503"))
        let uuid = MachineUUID()
        let (first, second) = (report(.stopped, uuid: uuid), report(.running, uuid: uuid, generation: 2))
        let received = Shared<[String]>([])
        _ = try await withReporter { reporter in
            await reporter.report(first) { received.change { $0.append("first") } }
            await reporter.report(second) { received.change { $0.append("second") } }
            try await eventually("one is received") { !received.value.isEmpty }
        }
        #expect(await conductor.machines == [second])
        #expect(received.value == ["second"])
    }

    @Test("What the conductor has just taken is not told again, unless it was something else meanwhile")
    func echo() async throws {
        let uuid = MachineUUID()
        let (running, stopped) = (report(.running, uuid: uuid), report(.stopped, uuid: uuid, generation: 2))
        let other = report(.running)
        _ = try await withReporter { reporter in
            await reporter.report(running, received: nil)
            try await eventually("it is told") { await conductor.machines == [running] }
            await reporter.report(running, received: nil)
            await reporter.report(other, received: nil)
            try await eventually("the other is told") { await conductor.machines.contains(other) }
            await reporter.report(stopped, received: nil)
            try await eventually("its change is told") { await conductor.machines.contains(stopped) }
            await reporter.report(running, received: nil)
            try await eventually("and back") { await conductor.machines.last == running }
        }
        #expect(await conductor.machines == [running, other, stopped, running])
    }

    @Test("Its end is told until it is received, also where nothing changed")
    func end() async throws {
        let gone = report(.absent)
        let received = Shared(0)
        _ = try await withReporter { reporter in
            await reporter.report(gone, received: nil)
            try await eventually("it is told") { await conductor.machines == [gone] }
            await reporter.report(gone) { received.change { $0 += 1 } }
            try await eventually("it is received") { received.value == 1 }
        }
    }

    @Test("Progress is told before long")
    func progress() async throws {
        let uuid = MachineUUID()
        var onTheWay = report(.absent, uuid: uuid)
        onTheWay.activity = Activity(step: "image", percent: 40)
        let noted = onTheWay
        _ = try await withReporter { reporter in
            await reporter.note(noted)
            try await eventually("it is told") { await conductor.machines.last?.activity?.percent == 40 }
        }
    }

    @Test("A libvirt that does not answer is said, and nothing of its machines")
    func unreachable() async throws {
        await host.setReachable(false)
        _ = try await withReporter { _ in
            try await eventually("it is told") { await !conductor.reports.isEmpty }
        }
        let report = try #require(await conductor.reports.first)
        #expect(!report.hypervisorReachable && report.inventory == nil)
        #expect(report.machines == [] && !report.problems.isEmpty)
    }

    @Test("Another agent with this node's identity ends it; a refusal does not")
    func superseded() async throws {
        await conductor.fail(.refused(status: 422, "no"))
        let error = try await withReporter { reporter in
            await reporter.report(report(.running), received: nil)
            try await eventually("it goes on") { await !conductor.machines.isEmpty }
            await conductor.fail(.superseded("epoch 8"))
            await reporter.report(report(.running), received: nil)
            try await eventually("it is told") { await conductor.hasFailed }
        }
        guard case .superseded? = error as? ConductorError else {
            Issue.record("it ended with \(String(describing: error))")
            return
        }
    }
}
