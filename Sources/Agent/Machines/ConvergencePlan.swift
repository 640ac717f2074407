// SPDX-License-Identifier: Apache-2.0

import GantryModel
package import GantryProtocol

/// What has to be done to a machine, decided from what is wanted, what the journal remembers and what is there.
///
///     wanted      domain                      plan
///     running     none, off                   build and start
///                 running, older boot counter network parts, reset
///                 paused, older boot counter  end it, build and start
///                 running, other spec         network parts and mark
///                 running, as wanted          nothing
///                 shut down or crashed while  nothing: the guest's own doing, which the conductor is told
///                 this generation was applied
///     stopped,    running or paused           shut down
///     hibernated  anything else               nothing
///     absent      anything                    tear down
///
/// The same plan builds a machine at create, repairs it after a crash and rebuilds it after the host's reboot.
package struct ConvergencePlan: Hashable, Sendable {
    /// Steps in stages: those of one stage do not depend on each other and run side by side.
    package var stages: [[ConvergenceStep]]

    package static let nothing = ConvergencePlan(stages: [])

    /// - Parameters:
    ///   - task: What is wanted.
    ///   - applied: Whether this generation was reached before.
    ///   - domain: What is there; nil for none.
    package init(for task: MachineTask, applied: Bool, domain: ObservedDomain?) {
        switch task.power {
        case .absent: self = .tearDown
        case .stopped, .hibernated: self.init(stopping: domain)
        case .running: self.init(running: task, applied: applied, domain)
        }
    }

    private init(stages: [[ConvergenceStep]]) {
        self.stages = stages
    }

    private init(stopping domain: ObservedDomain?) {
        switch domain?.state {
        case .running, .paused: self.init(stages: [[.shutDown]])
        case .shutDown, .crashed, .off, nil: self = .nothing
        }
    }

    private init(running task: MachineTask, applied: Bool, _ domain: ObservedDomain?) {
        guard let domain else {
            self = .build
            return
        }
        switch domain.state {
        case .paused where domain.mark.bootCounter < task.bootCounter:
            // A reset leaves it paused.
            self.init(stages: [[.destroy]] + Self.build.stages)
        case .running, .paused:
            self.init(keeping: domain.mark, for: task)
        case .shutDown, .crashed:
            // A higher boot counter is somebody's wish to have it back.
            let isTheGuestsDoing = applied && domain.mark.bootCounter >= task.bootCounter
            self = isTheGuestsDoing ? .nothing : .build
        case .off:
            self = .build
        }
    }

    private init(keeping mark: MachineMark, for task: MachineTask) {
        if mark.bootCounter < task.bootCounter {
            self.init(stages: [[.network, .filter], [.reset]])
        } else if mark.specDigest != MachineMark.digest(of: task.spec) {
            self.init(stages: [[.network, .filter], [.define]])
        } else {
            self = .nothing
        }
    }

    /// From nothing, or from any half of it, to a running domain.
    private static let build = ConvergencePlan(stages: [
        [.image], [.overlay, .seed, .network, .filter], [.define], [.start],
    ])

    /// From anything to nothing.
    package static let tearDown = ConvergencePlan(stages: [
        [.destroy], [.undefine], [.unfilter], [.unlink], [.remove],
    ])
}
