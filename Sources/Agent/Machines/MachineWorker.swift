// SPDX-License-Identifier: Apache-2.0

package import GantryModel
import GantryProtocol
package import Logging
import Metrics

/// Brings one machine to what its journal entry wants, one run at a time, for as long as the agent lives.
///
/// A newer task that comes while a run is under way ends it at the next step.
package actor MachineWorker {
    /// What all workers share.
    package struct Tools: Sendable {
        package let node: NodeName
        package let host: any Host
        package let journal: TaskJournal
        package let reporter: any MachineReporting
        package let observer: StepObserver
        /// How many machines are worked on at once.
        package let slots: AsyncSemaphore
        package let logger: Logger

        package init(
            node: NodeName,
            host: any Host,
            journal: TaskJournal,
            reporter: any MachineReporting,
            observer: StepObserver,
            slots: AsyncSemaphore,
            logger: Logger
        ) {
            self.node = node
            (self.host, self.journal, self.reporter) = (host, journal, reporter)
            (self.observer, self.slots, self.logger) = (observer, slots, logger)
        }
    }

    private let uuid: MachineUUID
    private let tools: Tools
    private var running: Task<Void, Never>?
    /// Somebody asked for another look since the run began.
    private var isPoked = false
    /// The steps under way.
    private var interrupt: Task<Void, any Error>?
    private var retryDelay = Duration.seconds(1)

    package init(_ uuid: MachineUUID, _ tools: Tools) {
        (self.uuid, self.tools) = (uuid, tools)
    }

    /// Has another look, at once or after the run that is under way.
    package func poke() {
        isPoked = true
        guard running == nil else { return }
        running = Task {
            while self.continues() {
                await self.converge()
            }
        }
    }

    /// A newer task was journaled: whatever is under way for the older one ends.
    package func supersede() {
        interrupt?.cancel()
        poke()
    }

    /// Waits until nothing is under way.
    package func settle() async {
        while let running { await running.value }
    }

    private func continues() -> Bool {
        guard isPoked else {
            running = nil
            return false
        }
        isPoked = false
        return true
    }

    // MARK: - One run

    private func converge() async {
        await tools.slots.withSlot {
            guard let entry = await tools.journal.entry(uuid) else { return }
            do throws(Fault) {
                let domain = try await observe()
                try await run(entry, domain)
                retryDelay = .seconds(1)
            } catch {
                await fail(entry, with: error)
            }
        }
    }

    private func observe() async throws(Fault) -> ObservedDomain? {
        try await tools.host.domains().first { $0.uuid == uuid }
    }

    private func run(_ entry: JournalEntry, _ domain: ObservedDomain?) async throws(Fault) {
        // Given up, and nothing new was asked for.
        if entry.isApplied, let fault = entry.fault { return await report(entry, domain, fault) }
        // Taken down before: only the conductor has to learn of it.
        if entry.isApplied, entry.task.power == .absent, domain == nil { return await report(entry, nil, nil) }
        let plan = ConvergencePlan(for: entry.task, applied: entry.isApplied, domain: domain)
        if plan.stages.isEmpty { return try await settle(entry, domain) }
        let work = Task<Void, any Error> { try await self.perform(plan, entry) }
        interrupt = work
        let result = await work.result
        interrupt = nil
        switch result {
        case .success:
            try await settle(entry, try await observe())
        case .failure(let fault as Fault):
            throw fault
        case .failure:
            // Ended for a newer task, which has poked already.
            isPoked = true
        }
    }

    private func perform(_ plan: ConvergencePlan, _ entry: JournalEntry) async throws {
        for stage in plan.stages {
            try Task.checkCancellation()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for step in stage { group.addTask { try await self.perform(step, entry) } }
                try await group.waitForAll()
            }
        }
    }

    private nonisolated func perform(_ step: ConvergenceStep, _ entry: JournalEntry) async throws {
        let reporter = tools.reporter
        let (uuid, generation) = (uuid, entry.task.generation)
        await reporter.note(uuid, generation, Activity(step: step.rawValue))
        let clock = ContinuousClock()
        let begin = clock.now
        try await tools.observer.around(step) {
            try await tools.host.perform(step, for: entry.taskWithSpec) { percent in
                Task { await reporter.note(uuid, generation, Activity(step: step.rawValue, percent: percent)) }
            }
        }
        let duration = clock.now - begin
        Timer(label: "gantry.agent.step.duration", dimensions: [("step", step.rawValue)])
            .recordNanoseconds(
                duration.components.seconds * 1_000_000_000 + duration.components.attoseconds / 1_000_000_000
            )
        tools.logger.debug(
            "Step done",
            metadata: ["vm.uuid": "\(uuid)", "step": "\(step.rawValue)", "task.id": "\(entry.task.taskID)"]
        )
    }

    // MARK: - Its end

    /// What was wanted is there; or the guest did something of its own, which is noted.
    private func settle(_ entry: JournalEntry, _ domain: ObservedDomain?) async throws(Fault) {
        let shutDown = entry.task.power == .running && domain?.state == .shutDown
        try await tools.observer.around(.settle) { () async throws(Fault) in
            try await tools.journal.update(uuid) { current in
                guard current.task.generation == entry.task.generation else { return }
                current.applied = entry.task.generation
                current.guestShutDown = shutDown
                current.fault = nil
            }
        }
        guard let settled = await tools.journal.entry(uuid), settled.task.generation == entry.task.generation else {
            isPoked = true
            return
        }
        await report(settled, domain, Self.fault(of: domain, wanted: entry.task.power))
    }

    private func report(_ entry: JournalEntry, _ domain: ObservedDomain?, _ fault: Fault?) async {
        let report = MachineReport(entry, domain, fault: fault)
        await tools.observer.around(.report) { await tools.reporter.report(report) }
        guard entry.task.power == .absent, report.power == .absent else { return }
        await tools.reporter.whenReceived(uuid) { [tools, uuid] in
            try? await tools.observer.around(.forget) { () async throws(Fault) in
                try await tools.journal.forget(uuid, at: entry.task.generation)
            }
        }
    }

    /// What happened to a running machine by itself.
    private static func fault(of domain: ObservedDomain?, wanted: WantedPower) -> Fault? {
        guard wanted == .running else { return nil }
        switch domain?.state {
        case .crashed: return Fault(.guestCrashed, "The guest crashed. A hard reboot starts it again.")
        case .paused(let reason): return Fault(.guestPaused, reason)
        default: return nil
        }
    }

    private func fail(_ entry: JournalEntry, with fault: Fault) async {
        tools.logger.warning(
            "A machine is not as it should be",
            metadata: [
                "vm.uuid": "\(uuid)", "task.id": "\(entry.task.taskID)", "fault": "\(fault.code.rawValue)",
                "message": "\(fault.message)",
            ]
        )
        Counter(label: "gantry.agent.faults", dimensions: [("code", fault.code.rawValue)]).increment()
        switch fault.code.remedy {
        case .retry: await retryLater(entry, fault)
        case .elsewhere, .abort: await giveUp(entry, fault)
        }
    }

    private func retryLater(_ entry: JournalEntry, _ fault: Fault) async {
        if fault.code != .hypervisorUnreachable {
            await tools.reporter.report(MachineReport(entry, nil, fault: fault, isGivenUp: false))
        }
        let delay = retryDelay
        retryDelay = min(delay * 2, .seconds(30))
        Task {
            try? await Task.sleep(for: delay)
            self.poke()
        }
    }

    /// Undoes what was built and never ran, and waits for the conductor's next word.
    private func giveUp(_ entry: JournalEntry, _ fault: Fault) async {
        do throws(Fault) {
            let domain = try await observe()
            if entry.task.power == .running, domain?.state != .running, entry.applied == nil {
                for step in ConvergencePlan.tearDown.stages.joined() {
                    try await tools.host.perform(step, for: entry.taskWithSpec) { _ in }
                }
            }
            try await tools.journal.update(uuid) { current in
                guard current.task.generation == entry.task.generation else { return }
                current.applied = entry.task.generation
                current.fault = fault
            }
            await report(entry, try await observe(), fault)
        } catch {
            await retryLater(entry, error)
        }
    }
}
