// SPDX-License-Identifier: Apache-2.0

package import GantryModel
package import GantryProtocol

/// What the agent remembers of one machine over its own restarts.
package struct JournalEntry: Hashable, Sendable, Codable {
    /// The newest task taken.
    package var task: MachineTask
    /// The newest generation that was reached, or given up with `fault`.
    package var applied: Generation?
    /// The guest shut itself down under the applied generation.
    package var guestShutDown = false
    /// A guest ran here, so that what is on its disk is the tenant's.
    package var hasRun: Bool
    /// Why the applied generation was given up.
    package var fault: Fault?
    /// Those of the task's jobs whose outcome the conductor has.
    package var finishedJobs: Set<MachineJobID> = []
    /// What was built here, where the task does not say: a teardown needs its addresses.
    private var builtSpec: MachineSpec?

    package init(task: MachineTask, hasRun: Bool = false) {
        (self.task, self.hasRun) = (task, hasRun)
    }

    /// Whether the newest task was dealt with, well or not.
    package var isApplied: Bool { applied == task.generation }

    /// Whether the machine could not be built, and everything of it was taken down again.
    package var isUndone: Bool { isApplied && fault != nil && !hasRun }

    /// The entry with a newer task in it; nil when the task is not newer.
    package func taking(_ newer: MachineTask) -> JournalEntry? {
        guard newer.generation > task.generation else { return nil }
        var entry = self
        entry.task = newer
        entry.guestShutDown = false
        entry.fault = nil
        entry.finishedJobs.formIntersection(newer.jobs.map(\.id))
        entry.builtSpec = newer.spec == nil ? task.spec ?? builtSpec : nil
        return entry
    }

    /// The task to take the machine down by: with what was built here, where the task for absence does not say.
    package var taskWithSpec: MachineTask {
        var task = task
        task.spec = task.spec ?? builtSpec
        return task
    }

    private enum CodingKeys: String, CodingKey {
        case task
        case applied
        case guestShutDown = "guest_shut_down"
        case hasRun = "has_run"
        case fault
        case finishedJobs = "finished_jobs"
        case builtSpec = "built_spec"
    }
}
