// SPDX-License-Identifier: Apache-2.0

public import GantryModel
import GantryProtocol
import Synchronization

/// Knows when the conductor took the report that a machine runs, or that nothing is left of it.
///
/// That is the moment after which the API says `ACTIVE`, or no longer has the machine. Asking the API again and again
/// would load what is measured.
public final class MachineWatch: Sendable {
    /// What can be waited for.
    public enum Change: Sendable, Hashable {
        case running, gone
    }

    private struct Key: Hashable {
        let machine: VirtualMachineID
        let change: Change
    }

    private enum Entry {
        case seen(ContinuousClock.Instant)
        case awaited(CheckedContinuation<ContinuousClock.Instant, any Error>)
    }

    private struct State {
        var entries: [Key: Entry] = [:]
        /// Reports know machines by their UUIDs, clients by their ids.
        var ids: [MachineUUID: VirtualMachineID] = [:]
    }

    private let state = Mutex(State())

    init() {}

    /// Waits for a change of one machine and says when it was seen. One waiter for each; it is told once.
    ///
    /// - Throws: `CancellationError`.
    public func moment(of change: Change, _ machine: VirtualMachineID) async throws -> ContinuousClock.Instant {
        let key = Key(machine: machine, change: change)
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let seen = state.withLock { state -> ContinuousClock.Instant? in
                    if case .seen(let moment) = state.entries.removeValue(forKey: key) { return moment }
                    state.entries[key] = .awaited(continuation)
                    return nil
                }
                if let seen { continuation.resume(returning: seen) }
                // Cancellation before the continuation was filed has found nobody to wake.
                if Task.isCancelled { cancel(key) }
            }
        } onCancel: {
            cancel(key)
        }
    }

    /// Learns which machine a task is about.
    func learn(_ task: MachineTask) {
        state.withLock { $0.ids[task.uuid] = task.machineID }
    }

    /// Notes what the conductor has taken.
    func received(_ report: NodeReport) {
        let now = ContinuousClock.now
        for machine in report.machines where machine.activity == nil && machine.fault == nil {
            switch machine.power {
            case .running: note(.running, machine.uuid, now)
            case .absent: note(.gone, machine.uuid, now)
            case .stopped, .crashed, .paused, .unknown: continue
            }
        }
    }

    private func note(_ change: Change, _ uuid: MachineUUID, _ moment: ContinuousClock.Instant) {
        let waiter = state.withLock { state -> CheckedContinuation<ContinuousClock.Instant, any Error>? in
            guard let machine = state.ids[uuid] else { return nil }
            let key = Key(machine: machine, change: change)
            if change == .gone {
                state.ids[uuid] = nil
                // Every look at a running machine is told again.
                state.entries[Key(machine: machine, change: .running)] = nil
            }
            if case .awaited(let continuation) = state.entries.removeValue(forKey: key) { return continuation }
            state.entries[key] = .seen(moment)
            return nil
        }
        waiter?.resume(returning: moment)
    }

    private func cancel(_ key: Key) {
        let waiter = state.withLock { state -> CheckedContinuation<ContinuousClock.Instant, any Error>? in
            guard case .awaited(let continuation) = state.entries[key] else { return nil }
            state.entries[key] = nil
            return continuation
        }
        waiter?.resume(throwing: CancellationError())
    }
}
