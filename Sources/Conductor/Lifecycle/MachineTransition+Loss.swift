// SPDX-License-Identifier: Apache-2.0

import GantryModel

extension StoredMachine {
    /// What becomes of it when its node was declared dead.
    ///
    /// What is being deleted is gone. What has nothing on the node's own disk, or was never built, is placed elsewhere.
    /// What has is in ERROR and keeps its node, with which it comes back. What the node no longer had since the database was
    /// restored stays as it is.
    ///
    /// - Parameter isSurveyed: whether the node was heard since the database was restored; otherwise nobody knows what became
    ///   of its machines since the backup, and none is started before its owner says so.
    /// - Returns: the machine afterwards.
    package func afterNodeDeath(isSurveyed: Bool) -> MachineTransition {
        var transition = MachineTransition(of: self)
        if desired == .absent {
            transition.abandonNode()
            transition.follow(.gone)
            transition.events.append(MachineEvent(.normal, .deleteSuccess, "\(name) is deleted."))
        } else if evicting {
            transition.abandonNode()
            transition.follow(.cleared)
        } else if fault?.code == .machineMissing {
            return transition
        } else if phase == .creating || phase == .building, !isBound {
            transition.abandonNode()
            transition.follow(.evict)
        } else if let localState {
            transition.lose(localState)
        } else {
            transition.leaveLostNode(starts: isSurveyed)
        }
        return transition
    }

    /// What becomes of one that is to be deleted while its node is dead: nothing has to be waited for.
    package func deletedWithDeadNode(_ asked: MachineTransition) -> MachineTransition {
        var transition = asked
        transition.abandonNode()
        transition.follow(.gone)
        transition.events.append(MachineEvent(.normal, .deleteSuccess, "\(name) is deleted."))
        return transition
    }
}

extension MachineTransition {
    /// What it held of the node is free. What is left of it there goes when the node is back.
    fileprivate mutating func abandonNode() {
        (leavesNode, abandonsNode) = (true, true)
        machine.nodeID = nil
        machine.evicting = false
        machine.appliedGeneration = Generation(0)
        machine.observed = .absent
        machine.activity = nil
        machine.floatingIPWired = false
        raiseGeneration(above: machine.generation)
        tellsNode = false
        guard machine.detachesFloatingIP else { return }
        machine.detachesFloatingIP = false
        freesFloatingIP = true
    }

    private mutating func noteLoss(_ consequence: String) {
        events.append(MachineEvent(.warning, .nodeLost, "The node of \(machine.name) failed. \(consequence)"))
    }

    fileprivate mutating func lose(_ localState: String) {
        let fault = Fault(
            .nodeDead,
            "Its node was declared dead, and \(localState). It comes back if the node does; it can be deleted."
        )
        machine.observed = .stopped
        machine.activity = nil
        machine.floatingIPWired = false
        machine.fault = fault
        follow(.lose)
        noteLoss(fault.message)
    }

    fileprivate mutating func leaveLostNode(starts: Bool) {
        abandonNode()
        machine.fault = nil
        follow(machine.desired == .hibernated ? .asleep : .off)
        if machine.desired == .running {
            machine.desired = .stopped
            machine.startsElsewhere = starts
        }
        noteLoss(
            starts
                ? "Another node takes it."
                : "Another node takes it, and it stays off: what became of it since the backup is not known."
        )
    }
}
