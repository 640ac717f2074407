// SPDX-License-Identifier: Apache-2.0

package import GantryModel
import GantryProtocol
package import Logging
import Metrics

/// Brings one machine to what its journal entry wants, one run at a time, for as long as the agent lives.
///
/// A newer task that comes while a run is under way ends it, in the middle of a step where the step allows it.
package actor MachineWorker {
    /// What all workers share.
    package struct Tools: Sendable {
        package let node: NodeName
        package let host: any Host
        package let journal: TaskJournal
        package let reporter: any MachineReporting
        package let observer: StepObserver
        /// How many machines the host works on at once.
        package let slots: AsyncSemaphore
        /// How long a worker waits before it tries again: each time twice as long, from the first to the last.
        package let retryDelays: ClosedRange<Duration>
        package let logger: Logger

        package init(
            node: NodeName,
            host: any Host,
            journal: TaskJournal,
            reporter: any MachineReporting,
            observer: StepObserver,
            slots: AsyncSemaphore,
            retryDelays: ClosedRange<Duration> = .seconds(1)...(.seconds(30)),
            logger: Logger
        ) {
            self.node = node
            (self.host, self.journal, self.reporter) = (host, journal, reporter)
            (self.observer, self.slots, self.retryDelays, self.logger) = (observer, slots, retryDelays, logger)
        }
    }

    private let uuid: MachineUUID
    private let tools: Tools
    private var running: Task<Void, Never>?
    /// Somebody asked for another look since the run began.
    private var isPoked = false
    private var isStopped = false
    /// The steps under way.
    private var steps: Task<Void, any Error>?
    /// Counts newer tasks, so that a run notices one that came before its steps began.
    private var supersessions = 0
    /// What keeps the newest task from being done, told along until it does not.
    private var fault: Fault?
    private var retry: Task<Void, Never>?
    private var retryDelay: Duration

    package init(_ uuid: MachineUUID, _ tools: Tools) {
        (self.uuid, self.tools, retryDelay) = (uuid, tools, tools.retryDelays.lowerBound)
    }

    /// Has another look, at once or after the run that is under way.
    package func poke() {
        isPoked = true
        guard running == nil, !isStopped else { return }
        running = Task {
            while self.continues() { await self.converge() }
        }
    }

    /// A newer task was journaled: whatever is under way for the older one ends.
    package func supersede() {
        supersessions += 1
        clearFault()
        steps?.cancel()
        poke()
    }

    /// Ends what is under way, for good. The host may be left in the middle of a step, as after a crash.
    package func stop() async {
        isStopped = true
        retry?.cancel()
        steps?.cancel()
        running?.cancel()
        while let running { await running.value }
    }

    /// Whether nothing is under way.
    package var isIdle: Bool { running == nil }

    private func continues() -> Bool {
        guard isPoked, !isStopped else {
            running = nil
            return false
        }
        isPoked = false
        return true
    }

    // MARK: - One run

    private func converge() async {
        let seen = supersessions
        guard let entry = await tools.journal.entry(uuid) else { return }
        do throws(Fault) {
            try await converge(entry, since: seen)
            clearFault()
        } catch {
            await fail(entry, with: error)
        }
    }

    private func converge(_ entry: JournalEntry, since seen: Int) async throws(Fault) {
        let domain = try await observe(entry)
        // Given up, and nothing new was asked for.
        if entry.isApplied, let fault = entry.fault { return await report(entry, domain, fault) }
        // Taken down before: only the conductor has to learn of it.
        if entry.isApplied, entry.task.power == .absent, domain == nil { return await report(entry, nil, nil) }
        let plan = ConvergencePlan(for: entry.task, applied: entry.isApplied, domain: domain)
        guard !plan.stages.isEmpty else { return try await settle(entry, domain) }
        guard try await perform(plan, entry, domain, since: seen) else {
            isPoked = true
            return
        }
        try await settle(entry, try await observe(entry))
    }

    private func observe(_ entry: JournalEntry) async throws(Fault) -> ObservedDomain? {
        var domain = try await tools.host.domain(uuid)
        // libvirt forgets on its own restart why a domain is off; the journal does not.
        if entry.guestShutDown, domain?.state == .off { domain?.state = .shutDown }
        return domain
    }

    /// Does what is planned.
    ///
    /// - Returns: False when a newer task, or the agent's end, ended it.
    private func perform(
        _ plan: ConvergencePlan,
        _ entry: JournalEntry,
        _ domain: ObservedDomain?,
        since seen: Int
    ) async throws(Fault) -> Bool {
        if let first = plan.stages.first?.first {
            let activity = Activity(step: first.rawValue)
            await tools.reporter.note(MachineReport(entry, domain, fault: fault, activity: activity))
        }
        let work = Task { try await self.perform(plan.stages, entry, domain) }
        steps = work
        if supersessions != seen || isStopped { work.cancel() }
        let result = await work.result
        steps = nil
        // What a step that was ended says is not its failure.
        if work.isCancelled { return false }
        switch result {
        case .success: return true
        case .failure(let fault as Fault): throw fault
        case .failure: return false
        }
    }

    private nonisolated func perform(
        _ stages: [[ConvergenceStep]],
        _ entry: JournalEntry,
        _ domain: ObservedDomain?
    ) async throws {
        for stage in stages {
            try Task.checkCancellation()
            if stage.allSatisfy(\.isWaiting) {
                try await perform(stage, entry, domain)
            } else {
                try await tools.slots.withSlot { try await self.perform(stage, entry, domain) }
            }
        }
    }

    private nonisolated func perform(
        _ stage: [ConvergenceStep],
        _ entry: JournalEntry,
        _ domain: ObservedDomain?
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for step in stage { group.addTask { try await self.perform(step, entry, domain) } }
            try await group.waitForAll()
        }
    }

    private nonisolated func perform(
        _ step: ConvergenceStep,
        _ entry: JournalEntry,
        _ domain: ObservedDomain?
    ) async throws(Fault) {
        await note(step, nil, entry, domain)
        let (percents, progress) = AsyncStream.makeStream(of: Int.self, bufferingPolicy: .bufferingNewest(1))
        let notes = Task { for await percent in percents { await note(step, percent, entry, domain) } }
        let clock = ContinuousClock()
        let begin = clock.now
        let result: Result<Void, Fault>
        do throws(Fault) {
            // Before it runs: what a guest writes is the tenant's, whatever becomes of us.
            if step == .start, !entry.hasRun { try await tools.journal.update(uuid) { $0.hasRun = true } }
            try await tools.observer.around(step) { () async throws(Fault) in
                try await tools.host.perform(step, for: entry.taskWithSpec) { progress.yield($0) }
            }
            result = .success(())
        } catch {
            // A hypervisor that refused did not run it; one that went away may have.
            if step == .start, !entry.hasRun, error.code != .hypervisorUnreachable {
                try? await tools.journal.update(uuid) { $0.hasRun = false }
            }
            result = .failure(error)
        }
        progress.finish()
        // No percentage may come after what the machine came to.
        await notes.value
        try result.get()
        Timer(label: "gantry.agent.step.duration", dimensions: [("step", step.rawValue)])
            .record(duration: clock.now - begin)
        tools.logger.debug(
            "Step done",
            metadata: entry.task.trace.merging(["vm.uuid": "\(uuid)", "step": "\(step.rawValue)"]) { $1 }
        )
    }

    private func note(
        _ step: ConvergenceStep,
        _ percent: Int?,
        _ entry: JournalEntry,
        _ domain: ObservedDomain?
    ) async {
        let activity = Activity(step: step.rawValue, percent: percent)
        await tools.reporter.note(MachineReport(entry, domain, fault: fault, activity: activity))
    }

    // MARK: - Its end

    /// What was wanted is there; or the guest did something of its own, which is noted.
    private func settle(_ entry: JournalEntry, _ domain: ObservedDomain?) async throws(Fault) {
        let isToRun = entry.task.power == .running
        try await tools.observer.around(.settle) { () async throws(Fault) in
            try await tools.journal.update(uuid) { current in
                guard current.task.generation == entry.task.generation else { return }
                current.applied = entry.task.generation
                current.guestShutDown = isToRun && domain?.state == .shutDown
                current.hasRun = current.hasRun || isToRun
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
        let isGone = entry.task.power == .absent && report.power == .absent && fault == nil
        await tools.observer.around(.report) {
            if isGone {
                await tools.reporter.report(report) { await self.forget(entry) }
            } else {
                await tools.reporter.report(report, received: nil)
            }
        }
    }

    /// The conductor knows that nothing is left.
    private func forget(_ entry: JournalEntry) async {
        // A journal that cannot be written now is cleared after the next look.
        try? await tools.observer.around(.forget) { () async throws(Fault) in
            try await tools.journal.forget(uuid, at: entry.task.generation)
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

    // MARK: - Its failure

    private func fail(_ entry: JournalEntry, with fault: Fault) async {
        tools.logger.warning(
            "A machine is not as it should be",
            metadata: entry.task.trace.merging([
                "vm.uuid": "\(uuid)", "fault": "\(fault.code.rawValue)", "message": "\(fault.message)",
            ]) { $1 }
        )
        Counter(label: "gantry.agent.faults", dimensions: [("code", fault.code.rawValue)]).increment()
        switch (entry.task.power, fault.code.remedy) {
        case (.running, .elsewhere) where entry.hasRun && fault.code.mayPass: await retryLater(entry, fault)
        case (.running, .elsewhere), (.running, .abort): await giveUp(entry, fault)
        // Stopping it and taking it down is for this node alone to do.
        default: await retryLater(entry, fault)
        }
    }

    private func retryLater(_ entry: JournalEntry, _ fault: Fault) async {
        self.fault = fault
        do throws(Fault) {
            await report(entry, try await observe(entry), fault)
        } catch {
            // Nothing is known of the machine now, so nothing is said of it.
        }
        let delay = retryDelay
        retryDelay = min(delay * 2, tools.retryDelays.upperBound)
        retry?.cancel()
        retry = Task {
            guard (try? await Task.sleep(for: delay)) != nil else { return }
            self.poke()
        }
    }

    private func clearFault() {
        retry?.cancel()
        (retry, retryDelay, fault) = (nil, tools.retryDelays.lowerBound, nil)
    }

    /// Undoes what was built and never ran, and waits for the conductor's next word.
    private func giveUp(_ entry: JournalEntry, _ fault: Fault) async {
        do throws(Fault) {
            let domain = try await observe(entry)
            let hasRun = await tools.journal.entry(uuid)?.hasRun ?? entry.hasRun
            if !hasRun, domain?.state != .running {
                for step in ConvergencePlan.tearDown.stages.joined() {
                    try await tools.observer.around(step) { () async throws(Fault) in
                        try await tools.host.perform(step, for: entry.taskWithSpec) { _ in }
                    }
                }
            }
            try await tools.journal.update(uuid) { current in
                guard current.task.generation == entry.task.generation else { return }
                current.applied = entry.task.generation
                current.fault = fault
            }
            await report(entry, try await observe(entry), fault)
        } catch {
            await retryLater(entry, error)
        }
    }
}
