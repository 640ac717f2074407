// SPDX-License-Identifier: Apache-2.0

import GantryModel

/// What becomes of a stored machine after something was seen of it. Pure: the caller writes it down in one transaction.
package struct MachineTransition: Sendable, Hashable {
    /// The machine afterwards.
    package var machine: StoredMachine
    /// Where it comes from.
    let formerPhase: MachinePhase
    /// Whether the phase was entered anew, so that its time limit starts again.
    package var entersPhase = false
    /// Whether the phase goes on without a limit, since the limit passed and was spoken of.
    package var stopsClock = false
    /// Whether the node confirmed that nothing is left: what the machine holds there is free.
    package var leavesNode = false
    /// Whether the node may still have something of it, since it was declared dead: that goes when the node is back.
    package var abandonsNode = false
    /// Whether the node confirmed that it is off and may give up what it ran on: its vCPUs, memory and GPUs are free.
    package var releasesCompute = false
    /// Whether the node confirmed that it gave up the floating IP that was taken away: the address is free.
    package var freesFloatingIP = false
    /// Whether the node confirmed that it plugged in and out what was attached and detached.
    package var settlesVolumes = false
    /// Whether the node confirmed the rules that were added and removed.
    package var settlesRules = false
    /// Why the node could not take the rules that were added and removed.
    var rulesFault: Fault?
    /// Whether what is wanted of the node changed, so that it has to be told.
    package var tellsNode = false
    package var events: [MachineEvent] = []
    var notices: [OperationNotice] = []

    init(of machine: StoredMachine) {
        self.machine = machine
        formerPhase = machine.phase
    }

    /// Whether nothing holds the floating IP any more that the machine had.
    var endsFloatingIP: Bool {
        let isGone = machine.phase == .deleted && (machine.wantsFloatingIP || machine.detachesFloatingIP)
        return freesFloatingIP || isGone
    }

    /// Follows an edge of the phase table. Does nothing when the table has none.
    @discardableResult
    mutating func follow(_ trigger: MachinePhase.Trigger) -> Bool {
        guard let next = machine.phase.after(trigger) else { return false }
        machine.phase = next
        entersPhase = true
        return true
    }

    /// Makes the wanted state a newer one, which the node has to be told.
    mutating func raiseGeneration(above generation: Generation) {
        machine.generation = generation.next
        tellsNode = true
    }
}

/// A line for a machine's history, before it is stored.
package struct MachineEvent: Sendable, Hashable {
    package var kind: MachineEventRecord.Kind
    package var reason: Reason
    package var message: String

    package init(_ kind: MachineEventRecord.Kind, _ reason: Reason, _ message: String) {
        (self.kind, self.reason, self.message) = (kind, reason, message)
    }

    /// The vendor's names of events, and ours for what it has no name for.
    package enum Reason: String, Sendable, Hashable {
        case creationRequest = "InstanceCreationRequest"
        case creationSuccess = "InstanceCreationSuccess"
        case creationFailed = "InstanceCreationFailed"
        case deleteRequest = "InstanceDeleteRequest"
        case deleteSuccess = "InstanceDeleteSuccess"
        case deleteFailed = "InstanceDeleteFailed"
        case startRequest = "InstanceStartRequest"
        case startSuccess = "InstanceStartSuccess"
        case startFailed = "InstanceStartFailed"
        case stopRequest = "InstanceStopRequest"
        case stopSuccess = "InstanceStopSuccess"
        case stopFailed = "InstanceStopFailed"
        case rebootRequest = "InstanceRebootRequest"
        case rebootSuccess = "InstanceRebootSuccess"
        case rebootFailed = "InstanceRebootFailed"
        case hibernateRequest = "HibernateInstanceRequest"
        case hibernateSuccess = "HibernateInstanceSuccess"
        case hibernateFailed = "HibernateInstanceFailed"
        case restoreRequest = "RestoreHibernationInstanceRequest"
        case restoreSuccess = "RestoreHibernationInstanceSuccess"
        case restoreFailed = "RestoreHibernationInstanceFailed"
        case resizeRequest = "InstanceResizeRequest"
        case floatingIPAttachRequest = "AttachFloatingIPToInstanceRequest"
        case floatingIPAttached = "AttachFloatingIPToInstanceSuccess"
        case floatingIPAttachFailed = "AttachFloatingIPToInstanceFailed"
        case floatingIPAttachDelayed = "AttachFloatingIPToInstanceDelayed"
        case floatingIPDetachRequest = "DetachFloatingIPToInstanceRequest"
        case floatingIPDetached = "DetachFloatingIPToInstanceSuccess"
        case floatingIPDetachFailed = "DetachFloatingIPToInstanceFailed"
        case securityRuleAttachRequest = "AttachSecurityRuleToInstanceRequest"
        case securityRuleAttached = "AttachSecurityRuleToInstanceSuccess"
        case securityRuleAttachFailed = "AttachSecurityRuleToInstanceFailed"
        case securityRuleDetachRequest = "DetachSecurityRuleToInstanceRequest"
        case securityRuleDetached = "DetachSecurityRuleToInstanceSuccess"
        case securityRuleDetachFailed = "DetachSecurityRuleToInstanceFailed"
        case snapshotRequest = "SnapshotCreateRequest"
        case volumeAttachRequest = "AttachVolumeToInstanceRequest"
        case volumeAttached = "AttachVolumeToInstanceSuccess"
        case volumeDetachRequest = "DetachVolumeToInstanceRequest"
        case volumeDetached = "DetachVolumeToInstanceSuccess"
        case firewallsChangeRequest = "InstanceFirewallsChangeRequest"
        case keysChangeRequest = "InstanceKeysChangeRequest"
        case keysChanged = "InstanceKeysChangeSuccess"
        case keysChangeFailed = "InstanceKeysChangeFailed"
        case gpuDegraded = "InstanceGPUDegraded"
        case gpuRecovered = "InstanceGPURecovered"
        case consoleOpened = "InstanceConsoleOpened"
        case failed = "InstanceFailed"
        case recovered = "InstanceRecovered"
        case shutDownByGuest = "InstanceShutDownByGuest"
        case rescheduled = "InstanceRescheduled"
        case moved = "InstanceMoved"
        case moveDelayed = "InstanceMoveDelayed"
        case nodeLost = "InstanceNodeLost"
        case restoredGeneration = "InstanceGenerationRaised"
    }
}
