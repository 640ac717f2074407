// SPDX-License-Identifier: Apache-2.0

/// What a status that is told to a callback came from, in the words that the vendor's receivers know.
package enum CallbackOperation: String, Sendable, Hashable, CaseIterable {
    case createInstance, startInstance, stopInstance, rebootInstance, hibernateInstance, restoreInstance, deleteInstance
    case attachFloatingIP, detachFloatingIP, attachSecurityRule, detachSecurityRule
    case createVolume, attachVolume, detachVolume, deleteVolume
    /// Nobody asked: the machine failed, healed, shut itself down, or its node went out of sight or came back.
    case statusChange
}

extension MachineTransition {
    /// What led to the phase: the operation that is under way, or the one that came to its end.
    var callbackOperation: CallbackOperation {
        machine.phase.callbackOperation ?? formerPhase.callbackOperation ?? .statusChange
    }
}

extension MachinePhase {
    /// The operation that is under way in it; nil for phases of rest.
    fileprivate var callbackOperation: CallbackOperation? {
        switch self {
        case .creating, .building: .createInstance
        case .starting: .startInstance
        case .stopping: .stopInstance
        case .rebooting: .rebootInstance
        case .hibernating: .hibernateInstance
        case .restoring: .restoreInstance
        case .deleting, .deleted: .deleteInstance
        case .active, .shutoff, .hibernated, .error: nil
        }
    }
}
