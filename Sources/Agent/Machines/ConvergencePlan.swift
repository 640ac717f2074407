// SPDX-License-Identifier: Apache-2.0

import GantryModel
package import GantryProtocol

/// What has to be done to a machine, decided from what is wanted, what the journal remembers and what is there.
///
///     wanted      domain                      plan
///     running     none, off                   build and start
///                 older boot counter          end it, build and start
///                 running or paused           adapt
///                 shut down or crashed while  nothing: the guest's own doing, which the conductor is told
///                 this generation was applied
///     stopped,    none                        undo network parts, which a build cut short may have left
///     hibernated  running or paused           shut down, adapt
///                 off                         adapt
///     absent      anything                    tear down
///
/// To adapt is to renew the network parts and volumes for every newer task, to plug the volumes in and out where the guest
/// runs, and then to write the definition and its mark where they are of another specification. The mark comes last: a
/// change that was cut short before it is made again.
///
/// A reboot is an end and a start, not the reset button: of each of the two one sees afterwards whether it was done, so
/// that a reboot that is cut short is neither lost nor made twice; and what hangs in QEMU or a device ends with it.
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
        case .stopped, .hibernated: self.init(stopping: task, applied: applied, domain)
        case .running: self.init(running: task, applied: applied, domain)
        }
    }

    private init(stages: [[ConvergenceStep]]) {
        self.stages = stages
    }

    private init(stopping task: MachineTask, applied: Bool, _ domain: ObservedDomain?) {
        guard let domain else {
            self.init(stages: applied ? [] : Self.volumes(of: task) + [[.unfilter], [.unlink]])
            return
        }
        let isOn =
            switch domain.state {
            case .running, .paused: true
            case .shutDown, .crashed, .off: false
            }
        let adaptation = Self.adapt(domain.mark, to: task, applied: applied, isOn: false)
        self.init(stages: (isOn ? [[.shutDown]] : []) + adaptation)
    }

    private init(running task: MachineTask, applied: Bool, _ domain: ObservedDomain?) {
        guard let domain else {
            self = Self.build(task)
            return
        }
        switch domain.state {
        case .running where domain.mark.bootCounter < task.bootCounter,
            .paused where domain.mark.bootCounter < task.bootCounter:
            self.init(stages: [[.destroy]] + Self.build(task).stages)
        case .running, .paused:
            self.init(stages: Self.adapt(domain.mark, to: task, applied: applied, isOn: true))
        case .shutDown, .crashed:
            // A higher boot counter is somebody's wish to have it back.
            let isTheGuestsDoing = applied && domain.mark.bootCounter >= task.bootCounter
            self = isTheGuestsDoing ? .nothing : Self.build(task)
        case .off:
            self = Self.build(task)
        }
    }

    private static func adapt(
        _ mark: MachineMark,
        to task: MachineTask,
        applied: Bool,
        isOn: Bool
    ) -> [[ConvergenceStep]] {
        let defining = mark.specDigest != MachineMark.digest(of: task.spec)
        guard !applied || defining else { return [] }
        // Also without volumes: the last one may have to be plugged out.
        let plugging: [[ConvergenceStep]] = isOn && defining ? [[.plug]] : []
        return [[.network, .filter]] + volumes(of: task) + plugging + (defining ? [[.define]] : [])
    }

    private static func volumes(of task: MachineTask) -> [[ConvergenceStep]] {
        task.spec?.volumes.isEmpty == false ? [[.volumes]] : []
    }

    /// From nothing, or from any half of it, to a running domain.
    private static func build(_ task: MachineTask) -> ConvergencePlan {
        ConvergencePlan(
            stages: [[.image]] + volumes(of: task) + [[.overlay, .seed, .network, .filter]] + gpus(of: task)
                + [[.define], [.start]]
        )
    }

    /// Before each start: who has a device, and whether it is still the one, is asked anew.
    private static func gpus(of task: MachineTask) -> [[ConvergenceStep]] {
        task.spec?.gpus.isEmpty == false ? [[.bind]] : []
    }

    /// From anything to nothing.
    package static let tearDown = ConvergencePlan(stages: [
        [.destroy], [.undefine], [.unfilter], [.unlink], [.remove],
    ])
}
