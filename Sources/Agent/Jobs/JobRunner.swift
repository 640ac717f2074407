// SPDX-License-Identifier: Apache-2.0

import GantryModel
import GantryProtocol
package import Logging

/// Does what is to be done once for machines, beside their convergence: neither waits for the other.
///
/// A job counts as done when the conductor has its outcome. One that was cut off before is done again.
package actor JobRunner {
    private let host: any Host
    private let journal: TaskJournal
    private let conductor: any ConductorConnection
    private let logger: Logger
    /// How long it waits before it tells an outcome again: each time twice as long, from the first to the last.
    private let retryDelays: ClosedRange<Duration>

    private struct Run {
        let machine: MachineUUID
        let task: Task<Void, Never>
    }

    private var runs: [MachineJobID: Run] = [:]

    package init(
        host: any Host,
        journal: TaskJournal,
        conductor: any ConductorConnection,
        retryDelays: ClosedRange<Duration> = .seconds(1)...(.seconds(30)),
        logger: Logger
    ) {
        (self.host, self.journal, self.conductor) = (host, journal, conductor)
        (self.retryDelays, self.logger) = (retryDelays, logger)
    }

    /// Begins the jobs that a machine's entry asks for and that are neither done nor under way, and ends those that it
    /// asks for no more.
    package func follow(_ entry: JournalEntry) {
        let wanted = Set(entry.task.jobs.map(\.id))
        for (id, run) in runs where run.machine == entry.task.uuid && !wanted.contains(id) { run.task.cancel() }
        for job in entry.task.jobs where runs[job.id] == nil && !entry.finishedJobs.contains(job.id) {
            runs[job.id] = Run(machine: entry.task.uuid, task: Task { await self.run(job, for: entry.task) })
        }
    }

    /// Ends all that is under way, for good.
    package func stop() async {
        let tasks = runs.values.map(\.task)
        for task in tasks { task.cancel() }
        for task in tasks { await task.value }
    }

    private func run(_ job: MachineJob, for task: MachineTask) async {
        defer { runs[job.id] = nil }
        var outcome = MachineJobOutcome()
        do throws(Fault) {
            outcome.text = try await host.perform(job, for: task)
        } catch {
            outcome.fault = error
        }
        guard !Task.isCancelled, await tell(outcome, of: job.id) else { return }
        // A journal that cannot be written now has the job done again, which is harmless.
        try? await journal.update(task.uuid) { $0.finishedJobs.insert(job.id) }
        let metadata: Logger.Metadata = ["job.id": "\(job.id)", "vm.uuid": "\(task.uuid)"]
        if let fault = outcome.fault {
            logger.warning("A job was not done", metadata: metadata.merging(["fault": "\(fault)"]) { $1 })
        } else {
            logger.info("A job was done", metadata: metadata)
        }
    }

    /// - Returns: Whether the conductor has it, or wants it no more.
    private func tell(_ outcome: MachineJobOutcome, of job: MachineJobID) async -> Bool {
        var backoff = Backoff(retryDelays)
        while true {
            do {
                try await conductor.finish(job, outcome)
                return true
            } catch let error as ConductorError {
                if case .refused = error { return true }
                if error.endsSession { return false }
                logger.notice("A job's outcome was not taken", metadata: ["job.id": "\(job)", "error": "\(error)"])
            } catch {
                return false
            }
            guard (try? await Task.sleep(for: backoff.next())) != nil else { return false }
        }
    }
}
