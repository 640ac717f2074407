// SPDX-License-Identifier: Apache-2.0

import GantryModel
package import GantryProtocol

extension StoredMachine {
    /// What a report of the node that it is on makes of it.
    ///
    /// Only a report on the newest generation moves the phase, but for the first sign of work. Only `absent` at that
    /// generation, where `absent` is wanted, frees anything.
    package func after(_ report: MachineReport) -> MachineTransition {
        var transition = MachineTransition(of: self)
        transition.machine.observed = report.power
        transition.machine.activity = report.activity
        transition.machine.appliedGeneration = report.appliedGeneration
        guard report.appliedGeneration <= generation else {
            transition.outrun(by: report.appliedGeneration)
            return transition
        }
        let current = report.appliedGeneration == generation
        if !evicting, current || report.activity != nil {
            transition.follow(.work)
        }
        guard current else { return transition }
        transition.noteFloatingIP(report)
        transition.noteVolumes(report)
        transition.noteRules(report)
        transition.noteFailures(report, isFirst: appliedGeneration < generation)
        if wantedOnNode == .absent {
            transition.remove(report)
        } else if let fault = report.fault {
            transition.meet(fault)
        } else {
            transition.see(report)
        }
        return transition
    }
}

extension MachineTransition {
    /// Of the newest generation alone: what an older one says may be of another address.
    fileprivate mutating func noteFloatingIP(_ report: MachineReport) {
        machine.floatingIPWired = report.floatingIPWired && machine.wantsFloatingIP
        if machine.floatingIPWired, machine.attachesFloatingIP {
            machine.attachesFloatingIP = false
            events.append(MachineEvent(.normal, .floatingIPAttached, "Floating IP is attached to \(machine.name)."))
            noteFloatingIP(.attachFloatingIP, .attached)
        }
        // A generation that failed may have failed before the address was given up.
        guard machine.detachesFloatingIP, report.fault == nil, machine.wantedOnNode != .absent else { return }
        machine.detachesFloatingIP = false
        freesFloatingIP = true
        events.append(MachineEvent(.normal, .floatingIPDetached, "Floating IP is detached from \(machine.name)."))
        noteFloatingIP(.detachFloatingIP, .detached)
    }

    /// Where the machine's own operation brings the address or takes it, that is what callbacks are told.
    private mutating func noteFloatingIP(_ operation: CallbackOperation, _ status: OperationNotice.Status) {
        guard !formerPhase.changesFloatingIP else { return }
        notices.append(OperationNotice(operation, status))
    }

    /// A generation that failed may have failed because a guest does not let go of a volume.
    fileprivate mutating func noteVolumes(_ report: MachineReport) {
        guard machine.changesVolumes, report.fault == nil, machine.wantedOnNode != .absent else { return }
        machine.changesVolumes = false
        settlesVolumes = true
    }

    /// A generation that failed may have failed before the filter took the rules.
    fileprivate mutating func noteRules(_ report: MachineReport) {
        guard machine.changesRules, report.fault == nil, machine.wantedOnNode != .absent else { return }
        machine.changesRules = false
        settlesRules = true
    }

    /// What the node could not do with the generation is told of each change that it brought. The node tries again, and
    /// the change is told of once more when it is done.
    ///
    /// - Parameters:
    ///   - report: the report, whose fault counts.
    ///   - isFirst: whether it is the first on this generation: later ones speak of another fault alone.
    fileprivate mutating func noteFailures(_ report: MachineReport, isFirst: Bool) {
        guard let fault = report.fault, machine.wantedOnNode != .absent, isFirst || fault.code != machine.fault?.code
        else { return }
        if machine.changesRules { rulesFault = fault }
        guard !formerPhase.changesFloatingIP else { return }
        if machine.attachesFloatingIP {
            events.append(MachineEvent(.warning, .floatingIPAttachFailed, fault.message))
            noteFloatingIP(.attachFloatingIP, .failed)
        }
        if machine.detachesFloatingIP {
            events.append(MachineEvent(.warning, .floatingIPDetachFailed, fault.message))
            noteFloatingIP(.detachFloatingIP, .failed)
        }
    }

    /// The node is ahead of the database, which was restored from a backup: what is wanted now becomes the newest.
    fileprivate mutating func outrun(by applied: Generation) {
        let stored = machine.generation
        raiseGeneration(above: applied)
        events.append(
            MachineEvent(
                .warning,
                .restoredGeneration,
                "The node had applied generation \(applied) when \(stored) was known; what is wanted is sent again."
            )
        )
    }

    /// `absent` is wanted on the node, for a deletion or to place the machine elsewhere.
    fileprivate mutating func remove(_ report: MachineReport) {
        guard report.power == .absent, report.fault == nil else {
            if let fault = report.fault, fault.code != machine.fault?.code {
                events.append(MachineEvent(.warning, .deleteFailed, fault.message))
            }
            machine.fault = report.fault ?? machine.fault
            return
        }
        leavesNode = true
        machine.nodeID = nil
        machine.appliedGeneration = Generation(0)
        if machine.desired == .absent {
            follow(.gone)
            events.append(MachineEvent(.normal, .deleteSuccess, "\(machine.name) is deleted."))
        } else {
            machine.evicting = false
            follow(.cleared)
        }
    }

    fileprivate mutating func meet(_ fault: Fault) {
        // The text of a fault that is tried again may differ each time; its history would have no end.
        let isNew = machine.fault?.code != fault.code
        let phase = machine.phase
        machine.fault = fault
        switch fault.code.remedy {
        case .retry:
            if isNew { events.append(MachineEvent(.warning, phase.failure, fault.message)) }
        case .elsewhere where machine.phase.after(.evict) != nil && !machine.isBound:
            evict(for: fault)
        case .elsewhere, .abort:
            if follow(.fail) || isNew {
                events.append(MachineEvent(.warning, phase.failure, fault.message))
            }
        }
    }

    /// Asks the node to clear what it began, so that the machine can be placed elsewhere.
    private mutating func evict(for fault: Fault) {
        if let node = machine.nodeID { machine.triedNodes.append(node) }
        machine.evicting = true
        raiseGeneration(above: machine.generation)
        follow(.evict)
        events.append(MachineEvent(.warning, .rescheduled, "Another node is tried: \(fault.message)"))
    }

    /// What is there without a fault, at the newest generation.
    fileprivate mutating func see(_ report: MachineReport) {
        if machine.phase != .error { machine.fault = nil }
        switch (machine.desired, report.power) {
        case (.running, .running):
            let wired = report.floatingIPWired || !machine.wantsFloatingIP
            if report.bootCounter >= machine.bootCounter, wired { arrive(.ready) }
        case (.running, .stopped) where report.guestShutDown:
            machine.desired = .stopped
            raiseGeneration(above: machine.generation)
            follow(.off)
            machine.fault = nil
            events.append(MachineEvent(.normal, .shutDownByGuest, "\(machine.name) shut itself down."))
        case (.running, .stopped), (.running, .absent):
            follow(.down)
        case (.running, .crashed):
            meet(Fault(.guestCrashed, "The guest ended without being asked to."))
        case (.running, .paused):
            meet(Fault(.guestPaused, "The hypervisor holds the guest, as it does after an I/O error."))
        case (.stopped, .stopped), (.stopped, .crashed):
            arrive(.off)
            if machine.stopPolicy == .release { releaseCompute() }
        case (.hibernated, .stopped), (.hibernated, .crashed):
            arrive(.asleep)
            releaseCompute()
        case (.stopped, .running), (.stopped, .paused), (.stopped, .absent),
            (.hibernated, .running), (.hibernated, .paused), (.hibernated, .absent),
            (_, .unknown), (.absent, _):
            break
        }
    }

    private mutating func releaseCompute() {
        releasesCompute = machine.holdsCompute
        machine.holdsCompute = false
    }

    private mutating func arrive(_ trigger: MachinePhase.Trigger) {
        let phase = machine.phase
        guard follow(trigger) else { return }
        machine.fault = nil
        events.append(MachineEvent(.normal, phase.success, "\(machine.name) \(phase.outcome)."))
    }
}

extension MachinePhase {
    /// The event that says that what the phase was about came about.
    fileprivate var success: MachineEvent.Reason {
        switch self {
        case .creating, .building: .creationSuccess
        case .starting: .startSuccess
        case .stopping: .stopSuccess
        case .rebooting: .rebootSuccess
        case .hibernating: .hibernateSuccess
        case .restoring: .restoreSuccess
        case .deleting, .deleted: .deleteSuccess
        case .active, .shutoff, .hibernated, .error: .recovered
        }
    }

    /// The event that says that it did not.
    var failure: MachineEvent.Reason {
        switch self {
        case .creating, .building: .creationFailed
        case .starting: .startFailed
        case .stopping: .stopFailed
        case .rebooting: .rebootFailed
        case .hibernating: .hibernateFailed
        case .restoring: .restoreFailed
        case .deleting, .deleted: .deleteFailed
        case .active, .shutoff, .hibernated, .error: .failed
        }
    }

    /// Whether the operation that is under way in it may bring the machine its floating IP, or take it.
    fileprivate var changesFloatingIP: Bool {
        switch self {
        case .creating, .building, .hibernating, .restoring: true
        case .active, .stopping, .shutoff, .starting, .rebooting, .hibernated, .deleting, .deleted, .error: false
        }
    }

    fileprivate var outcome: String {
        switch self {
        case .creating, .building: "is created"
        case .starting: "is started"
        case .stopping: "is stopped"
        case .rebooting: "is rebooted"
        case .hibernating: "is hibernated"
        case .restoring: "is restored"
        case .deleting, .deleted: "is deleted"
        case .active, .shutoff, .hibernated, .error: "is as wanted again"
        }
    }
}
