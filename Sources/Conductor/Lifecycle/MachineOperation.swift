// SPDX-License-Identifier: Apache-2.0

import GantryModel

/// What a tenant may ask of a machine that exists.
package enum MachineOperation: String, Sendable, Hashable, CaseIterable {
    case delete, start, stop, hardReboot, hibernate, restore

    fileprivate var trigger: MachinePhase.Trigger {
        switch self {
        case .delete: .delete
        case .start: .start
        case .stop: .stop
        case .hardReboot: .reboot
        case .hibernate: .hibernate
        case .restore: .restore
        }
    }

    fileprivate var desired: WantedPower {
        switch self {
        case .delete: .absent
        case .start, .hardReboot, .restore: .running
        case .stop: .stopped
        case .hibernate: .hibernated
        }
    }

    fileprivate var event: (reason: MachineEvent.Reason, word: String) {
        switch self {
        case .delete: (.deleteRequest, "Deletion")
        case .start: (.startRequest, "Start")
        case .stop: (.stopRequest, "Stop")
        case .hardReboot: (.rebootRequest, "Reboot")
        case .hibernate: (.hibernateRequest, "Hibernation")
        case .restore: (.restoreRequest, "Restore")
        }
    }

    /// The states in which it is allowed, as the refusal names them.
    fileprivate var requirement: String {
        switch self {
        case .delete: "it is not deleted yet"
        case .start: "it is SHUTOFF"
        case .stop, .hardReboot: "it is ACTIVE or ERROR"
        case .hibernate: "it is ACTIVE"
        case .restore: "it is HIBERNATED"
        }
    }

    fileprivate var participle: String {
        switch self {
        case .delete: "deleted"
        case .start: "started"
        case .stop: "stopped"
        case .hardReboot: "rebooted"
        case .hibernate: "hibernated"
        case .restore: "restored"
        }
    }
}

extension StoredMachine {
    /// Whether the phase allows an operation.
    func allows(_ operation: MachineOperation) -> Bool { phase.after(operation.trigger) != nil }

    /// What an operation that its owner asks for makes of it. To delete what is being deleted changes nothing.
    ///
    /// - Parameters:
    ///   - operation: what is asked for.
    ///   - nodeSilent: whether its node stopped reporting, as a refusal says.
    ///   - retainingIP: whether it keeps its floating IP while it is hibernated.
    /// - Returns: the machine afterwards.
    /// - Throws: ``MachineRefusal`` with `wrongState` when the phase does not allow it, or `conflict` while another
    ///   operation is under way.
    package func asked(
        _ operation: MachineOperation,
        nodeSilent: Bool,
        retainingIP: Bool = true
    ) throws(MachineRefusal) -> MachineTransition {
        var transition = MachineTransition(of: self)
        if operation == .delete, phase == .deleting { return transition }
        if operation != .delete {
            try requireNoSnapshot()
            try requireNoMove()
            try requireNode()
            try requireNoOrphan()
        }
        if let fault, fault.code == .machineMissing, operation != .delete, operation != .hardReboot {
            throw MachineRefusal(.wrongState, "VM \(name) is in ERROR: \(fault.message)")
        }
        guard transition.follow(operation.trigger) else {
            guard operation != .restore || phase != .hibernating else {
                throw MachineRefusal(
                    .conflict,
                    "The VM hibernation process is still going on. Please try later: VM \(name) can be restored when it is "
                        + "HIBERNATED."
                )
            }
            throw refusal(
                "it can be \(operation.participle) when \(operation.requirement)",
                nodeSilent: nodeSilent
            )
        }
        guard nodeID != nil || operation == .delete else {
            throw MachineRefusal(.wrongState, "VM \(name) is on no node, since none could take it; delete it.")
        }
        transition.machine.desired = operation.desired
        transition.machine.evicting = false
        transition.machine.startsElsewhere = false
        transition.machine.fault = nil
        transition.raiseGeneration(above: generation)
        if operation == .hardReboot { transition.machine.bootCounter += 1 }
        transition.lendFloatingIP(for: operation, retainingIP: retainingIP)
        let (reason, word) = operation.event
        transition.events.append(MachineEvent(.normal, reason, "Instance \(name) \(word) Request Sent."))
        if nodeID == nil {
            transition.tellsNode = false
            transition.follow(.gone)
            transition.events.append(MachineEvent(.normal, .deleteSuccess, "\(name) is deleted."))
        }
        return transition
    }
}

extension StoredMachine {
    /// - Throws: ``MachineRefusal`` with `wrongState` while its disk is on a node that was declared dead.
    private func requireNode() throws(MachineRefusal) {
        guard phase == .error, let fault, fault.code == .nodeDead else { return }
        throw MachineRefusal(.wrongState, "VM \(name) is in ERROR: \(fault.message)")
    }

    /// - Throws: ``MachineRefusal`` with `wrongState` while an orphan of it is somewhere.
    private func requireNoOrphan() throws(MachineRefusal) {
        guard hasOrphan else { return }
        throw MachineRefusal(
            .wrongState,
            "VM \(name) is on a node where it went before the cloud's database was restored from a backup; an operator has to "
                + "remove that copy, an orphan, first."
        )
    }
}

extension MachineTransition {
    /// A machine that is hibernated without its floating IP gets another when it is restored.
    fileprivate mutating func lendFloatingIP(for operation: MachineOperation, retainingIP: Bool) {
        let restores = machine.restoresFloatingIP
        machine.restoresFloatingIP = operation == .hibernate && !retainingIP && machine.wantsFloatingIP
        if machine.restoresFloatingIP { machine.giveUpFloatingIP() }
        if operation == .restore, restores { machine.takeFloatingIP() }
    }
}
