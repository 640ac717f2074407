// SPDX-License-Identifier: Apache-2.0

import GantryModel

// What an operator's drain makes of machines. Their owners read in the events that it was not they who asked.

extension StoredMachine {
    /// It is shut down.
    ///
    /// - Parameter startsElsewhere: whether that is only to start it on another node.
    /// - Returns: the machine on its way to be off; unchanged where its phase does not allow a stop.
    package func stoppedByOperator(startsElsewhere: Bool) -> MachineTransition {
        var transition = MachineTransition(of: self)
        guard transition.follow(.stop) else { return transition }
        transition.machine.desired = .stopped
        transition.machine.startsElsewhere = startsElsewhere
        transition.machine.fault = nil
        transition.raiseGeneration(above: generation)
        let purpose = startsElsewhere ? "to move it to another node" : "since its node is taken out of service"
        transition.events.append(MachineEvent(.normal, .stopRequest, "\(name) is stopped by the operator, \(purpose)."))
        return transition
    }

    /// Its node has to give it up, so that it can be placed elsewhere.
    package func evictedByOperator() -> MachineTransition {
        var transition = MachineTransition(of: self)
        transition.machine.evicting = true
        transition.machine.fault = nil
        transition.raiseGeneration(above: generation)
        transition.events.append(
            MachineEvent(.normal, .rescheduled, "\(name) is moved to another node by the operator.")
        )
        return transition
    }

    /// It was stopped to be moved and is not moved any more, so that it starts where it is.
    package func startedByOperator() -> MachineTransition {
        var transition = MachineTransition(of: self)
        guard transition.follow(.start) else { return transition }
        transition.machine.desired = .running
        transition.machine.startsElsewhere = false
        transition.machine.holdsCompute = true
        transition.machine.fault = nil
        transition.raiseGeneration(above: generation)
        transition.events.append(
            MachineEvent(.normal, .startRequest, "\(name) is started again by the operator; it stays on its node.")
        )
        return transition
    }
}

extension MachineTransition {
    /// It was placed on another node, and starts there if it ran before.
    mutating func arrive(on node: NodeID, holdingCompute: Bool) {
        machine.nodeID = node
        machine.holdsCompute = holdingCompute
        machine.observed = .absent
        machine.activity = nil
        machine.fault = nil
        raiseGeneration(above: machine.generation)
        events.append(MachineEvent(.normal, .moved, "\(machine.name) is on another node now."))
        guard machine.startsElsewhere, follow(.start) else { return }
        machine.startsElsewhere = false
        machine.desired = .running
    }

    /// No node has room for it now. That is said once, and tried again.
    mutating func waitForRoom(_ shortage: String) {
        guard machine.fault?.code != .noCapacity else { return }
        machine.fault = Fault(.noCapacity, "It left its node and waits for another. \(shortage)")
        events.append(MachineEvent(.warning, .moveDelayed, "\(machine.name) waits for a node. \(shortage)"))
    }
}
