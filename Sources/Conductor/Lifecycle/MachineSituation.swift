// SPDX-License-Identifier: Apache-2.0

package import GantryModel

/// What is stored of a machine's state, from which follows what the API says of it.
package struct MachineSituation: Sendable, Hashable {
    package var phase: MachinePhase
    package var observed: ObservedPower
    /// Whether the node that it is on stopped reporting.
    package var nodeSilent: Bool

    package init(phase: MachinePhase, observed: ObservedPower, nodeSilent: Bool) {
        (self.phase, self.observed, self.nodeSilent) = (phase, observed, nodeSilent)
    }

    /// Whether nobody can say now what the machine does.
    private var unseen: Bool { nodeSilent || observed == .unknown }

    /// The status in the API's words. A machine that is on its way stays on its way while it cannot be seen, until
    /// its time limit; one that is at rest becomes `UNKNOWN`.
    package var status: MachineStatus {
        switch phase {
        case .creating: .creating
        case .building: .build
        case .stopping: .stopping
        case .starting: .starting
        case .rebooting: .rebooting
        case .hibernating: .hibernating
        case .restoring: .restoring
        case .deleting, .deleted: .deleting
        case .active: unseen ? .unknown : .active
        case .shutoff: unseen ? .unknown : .shutoff
        case .hibernated: unseen ? .unknown : .hibernated
        case .error: unseen ? .unknown : .error
        }
    }

    /// Nova's name of the power state; nil before anything was made.
    package var powerState: String? {
        if nodeSilent { return observed == .absent ? nil : "NO_STATE" }
        return switch observed {
        case .running: "RUNNING"
        case .stopped: "SHUTDOWN"
        case .crashed: "CRASHED"
        case .paused: "PAUSED"
        case .unknown: "NO_STATE"
        case .absent: nil
        }
    }

    /// The last state of rest, in Nova's words; nil before the machine first came up.
    package var vmState: String? {
        switch phase {
        case .creating, .building, .deleted: nil
        case .active, .stopping, .rebooting, .hibernating: "active"
        case .shutoff, .starting: "stopped"
        case .hibernated, .restoring: "shelved_offloaded"
        case .error: "error"
        case .deleting: observed == .running ? "active" : observed == .stopped ? "stopped" : nil
        }
    }
}
