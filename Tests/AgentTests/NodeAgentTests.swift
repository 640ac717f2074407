// SPDX-License-Identifier: Apache-2.0

import Agent
import Foundation
import GantryModel
import GantryProtocol
import GantryTestSupport
import Observability
import SimulatedHost
import Testing

@Suite("An agent keeps up with its conductor from its first word to its last")
struct NodeAgentTests {
    private let host = SimulatedHost()
    private let conductor = ListeningConductor()
    private let health = Health()

    /// Runs an agent without a broker, and returns what ended it.
    private func withAgent(
        endsByItself: Bool = false,
        silence: Duration = .seconds(30),
        _ body: () async throws -> Void
    ) async throws -> (any Error)? {
        try await withTemporaryDirectory { folder in
            let agent = NodeAgent(
                name: try NodeName(Example.node),
                host: host,
                journal: try TaskJournal(directory: folder, logger: Example.logger),
                conductor: conductor,
                secrets: try NodeSecrets(
                    joined: NewNodeCredentials(apiKey: "key", brokerPassword: "password"),
                    path: folder + "/secrets",
                    logger: Example.logger
                ),
                settings: .init(
                    concurrency: 2,
                    orphanPolicy: .report,
                    lookInterval: 1,
                    metricsInterval: 1,
                    silence: silence
                ),
                observer: StepObserver(),
                health: health,
                logger: Example.logger
            )
            let running = Task {
                try await agent.run(
                    consuming: .shared { _, _ in try? await Task.sleep(for: .seconds(3600)) }
                )
            }
            let result: Result<Void, any Error>
            do {
                result = .success(try await body())
            } catch {
                result = .failure(error)
            }
            let limit = Task {
                try await Task.sleep(for: .seconds(endsByItself ? 30 : 0))
                running.cancel()
            }
            defer { limit.cancel() }
            let ended = await running.result
            try result.get()
            guard case .failure(let error) = ended else { return nil }
            return error
        }
    }

    private func isRunning(_ task: MachineTask) async -> Bool {
        await host.machines[task.uuid]?.domain?.state == .running
    }

    @Test("It says who it is, takes what is wanted without any message, and asks for what is newer")
    func follow() async throws {
        let task = try Example.task(spec: Example.spec(floatingIP: "192.0.2.7"))
        await conductor.want([task], pools: [try Subnet("192.0.2.0/24")])
        _ = try await withAgent {
            try await eventually("it runs") { await isRunning(task) }
            try await eventually("it is told") { await conductor.machines.last?.power == .running }
            let session = try #require(await conductor.sessions.first)
            let hostname = try String(contentsOfFile: "/proc/sys/kernel/hostname", encoding: .utf8)
            #expect(session.hostname + "\n" == hostname)
            #expect(session.machines == [] && !session.bootID.isEmpty)
            #expect(await host.pools.map(\.description) == ["192.0.2.0/24"])
            await conductor.want([try Example.task(.absent, generation: 2)])
            try await eventually("it is gone") { await host.holdings == [] }
            let asked = await conductor.asked
            #expect(asked.first == .some(nil) && asked.contains(2))
            #expect(health.complaints.isEmpty)
        }
    }

    @Test("Its next session says what the host has and had, and the newest epoch; a restored database wants another")
    func sessions() async throws {
        try await withTemporaryDirectory { folder in
            let journal = try TaskJournal(directory: folder, logger: Example.logger)
            let task = try Example.task(spec: Example.spec(floatingIP: "192.0.2.7"))
            await conductor.want([task])
            let agent = NodeAgent(
                name: try NodeName(Example.node),
                host: host,
                journal: journal,
                conductor: conductor,
                secrets: try NodeSecrets(
                    joined: NewNodeCredentials(apiKey: "key", brokerPassword: "password"),
                    path: folder + "/secrets",
                    logger: Example.logger
                ),
                settings: .init(concurrency: 2, orphanPolicy: .report, lookInterval: 1, metricsInterval: 1),
                observer: StepObserver(),
                health: health,
                logger: Example.logger
            )
            for round in 1...2 {
                let running = Task {
                    try await agent.run(consuming: .shared { _, _ in try? await Task.sleep(for: .seconds(3600)) })
                }
                try await eventually("it begins") { await conductor.sessions.count == round }
                try await eventually("it runs") { await isRunning(task) }
                if round == 2 {
                    await conductor.want([try Example.task(.absent, generation: 2)])
                    try await eventually("it is forgotten") { await journal.all.isEmpty }
                }
                // To every question: a single answer may be one that ends nothing, such as to what machines use.
                await conductor.failAlways(.sessionOver("restored"))
                await #expect(throws: ConductorError.self) { try await running.value }
                await conductor.failAlways(nil)
            }
            let last = await journal.lastEpoch
            let sessions = await conductor.sessions
            #expect(sessions.map(\.lastEpoch) == [nil, 1] && last == 2)
            #expect(sessions[0].machines == [])
            #expect(sessions[1].machines == [HostedMachine(uuid: task.uuid, isRunning: true, spec: task.spec)])
            #expect(await journal.forgottenMachines == [task.uuid])
        }
    }

    @Test("A conductor that is away is asked again, and one that says no is the end")
    func refused() async throws {
        await conductor.fail(.unavailable("503"), .refused(status: 403, "no such node"))
        let end = try await withAgent {
            try await eventually("it is told") { await conductor.hasFailed }
            // What it was told is what it says to its operator.
            try await eventually("it complains") { health.complaints.map(\.part) == ["conductor"] }
        }
        guard case .refused(status: 403, _)? = end as? ConductorError else {
            Issue.record("it ended with \(String(describing: end))")
            return
        }
    }

    @Test("A libvirt that is away at the start is waited for, and said to the operator; the agent has started")
    func unreachable() async throws {
        await host.setReachable(false)
        _ = try await withAgent {
            try await eventually("it complains of all that systemd waits for") {
                health.complaints.map(\.part) == ["conductor", "hypervisor"]
            }
            #expect(await conductor.sessions.isEmpty)
            await host.setReachable(true)
            try await eventually("it begins") { await conductor.sessions.count == 1 }
            try await eventually("it is well") { health.complaints.isEmpty }
            await host.setReachable(false)
            try await eventually("it complains again") { health.complaints.map(\.part) == ["hypervisor"] }
        }
    }

    @Test("So it is with one that hangs, which is waited for until it answers")
    func hanging() async throws {
        await host.setHanging(true)
        _ = try await withAgent(silence: .milliseconds(50)) {
            try await eventually("it complains") { health.complaints.map(\.part) == ["conductor", "hypervisor"] }
            #expect(await conductor.sessions.isEmpty)
            await host.setHanging(false)
            try await eventually("it begins") { await conductor.sessions.count == 1 }
            try await eventually("it is well") { health.complaints.isEmpty }
        }
    }

    @Test(
        "Where the node was taken for dead its session ends; the next one ends what is elsewhere before its first report"
    )
    func declaredDead() async throws {
        let task = try Example.task(spec: Example.spec(floatingIP: "192.0.2.7"))
        await conductor.want([task])
        let end = try await withAgent(endsByItself: true) {
            try await eventually("it runs") { await isRunning(task) }
            await conductor.failAlways(.sessionOver("by an operator"))
        }
        await conductor.failAlways(nil)
        guard case .sessionOver? = end as? ConductorError else {
            Issue.record("it ended with \(String(describing: end))")
            return
        }
        #expect(await isRunning(task))
        await conductor.abandon([try Example.task(.absent, generation: 5)])
        // What the queue still holds is older.
        await conductor.want([])
        let told = await conductor.reports.count
        _ = try await withAgent {
            try await eventually("it reports") { await conductor.reports.count > told }
            #expect(await !isRunning(task))
            try await eventually("nothing is left") { await host.holdings == [] }
            try await eventually("that is told") { await conductor.machines.last?.power == .absent }
            #expect(await conductor.machines.last?.appliedGeneration == Generation(5))
        }
    }

    @Test("Another agent of the same name ends it, in the middle of its work")
    func superseded() async throws {
        let task = try Example.task()
        await host.disturb { step, _ in step == .image ? Disturbance(.hang) : nil }
        await conductor.want([task])
        let end = try await withAgent(endsByItself: true) {
            try await eventually("it works") { await conductor.machines.last?.activity?.step == "image" }
            await conductor.failAlways(.superseded("epoch 2"))
        }
        guard case .superseded? = end as? ConductorError else {
            Issue.record("it ended with \(String(describing: end))")
            return
        }
        await host.disturb { _, _ in nil }
        #expect(await host.machines[task.uuid] == nil)
    }

    @Test("Rules that somebody flushed are back with the next look, and so is a guest that somebody switched off")
    func meddled() async throws {
        let task = try Example.task(spec: Example.spec(floatingIP: "192.0.2.7"))
        await conductor.want([task])
        _ = try await withAgent {
            try await eventually("it runs") { await isRunning(task) }
            await host.flushFilter()
            try await eventually("the rules are back") { await host.filter[task.uuid] != nil }
            await host.guest(task.uuid, becomes: .off)
            try await eventually("it runs again") { await isRunning(task) }
        }
    }

    @Test("What running machines use is told again and again, also after a look that failed")
    func metrics() async throws {
        let task = try Example.task()
        await conductor.want([task])
        _ = try await withAgent {
            let first = try await eventually("it is told") { await conductor.metrics.last?.machines.first }
            #expect(first.uuid == task.uuid)
            await host.setReachable(false)
            try await eventually("it complains") { health.complaints.map(\.part) == ["hypervisor"] }
            await host.setReachable(true)
            let count = await conductor.metrics.count
            let later = try await eventually("it is told again") {
                await conductor.metrics.dropFirst(count).last?.machines.first
            }
            #expect(try #require(later.cpuTime) > (try #require(first.cpuTime)))
        }
    }
}
