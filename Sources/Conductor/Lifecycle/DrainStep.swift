// SPDX-License-Identifier: Apache-2.0

package import GantryModel

/// What a drain does next about a machine, or why nothing.
package enum DrainStep: Sendable, Hashable {
    /// It is told to shut down.
    case stop
    /// Its node is told to give it up.
    case evict
    /// The drain is not over before something else has happened.
    case wait(String)
    /// The drain leaves it where it is.
    case leave(String)

    /// Whether it holds up the drain.
    package var isPending: Bool {
        if case .leave = self { return false }
        return true
    }

    /// In words for operators.
    package var text: String {
        switch self {
        case .stop: "it is to be stopped"
        case .evict: "it is to be moved"
        case .wait(let text), .leave(let text): text
        }
    }
}

extension StoredMachine {
    /// What a drain of its node does next about it.
    package func drainStep(_ policy: DrainPolicy) -> DrainStep {
        if phase == .deleting { return .wait("it is being deleted" + faultText) }
        switch policy {
        case .wait: return .wait("its owner has not deleted it")
        case .stop: return stopStep
        case .move: return moveStep
        }
    }

    private var stopStep: DrainStep {
        switch phase {
        case .active: return isSnapshotting ? .wait("its disk is being copied") : .stop
        case .shutoff, .hibernated: return evicting ? .wait("it leaves the node") : .leave("it is off")
        case .error:
            guard observed != .stopped, observed != .absent else { return .leave("it is in error and off" + faultText) }
            let isAsked = desired != .running
            return isAsked || isSnapshotting ? .wait("it is in error and may run" + faultText) : .stop
        case .creating, .building, .stopping, .starting, .rebooting, .hibernating, .restoring, .deleting, .deleted:
            return .wait("it is \(phase.rawValue)")
        }
    }

    private var moveStep: DrainStep {
        if evicting { return .wait("its node has to give it up" + faultText) }
        if let localState { return .leave(localState) }
        switch phase {
        case .active, .shutoff, .hibernated:
            guard !isSnapshotting else { return .wait("its disk is being copied") }
            return phase == .active ? .stop : .evict
        case .error: return .wait("it is in error" + faultText)
        case .creating, .building, .stopping, .starting, .rebooting, .hibernating, .restoring, .deleting, .deleted:
            return .wait("it is \(phase.rawValue)")
        }
    }

    private var faultText: String { fault.map { ": \($0.message)" } ?? "" }
}
