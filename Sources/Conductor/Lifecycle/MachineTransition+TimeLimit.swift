// SPDX-License-Identifier: Apache-2.0

import GantryModel

extension StoredMachine {
    /// What becomes of it when its phase lasted too long. It keeps what it claimed, and what is wanted of it.
    ///
    /// - Parameters:
    ///   - limit: how long the phase was allowed to last.
    ///   - nodeSilent: whether its node stopped reporting, which is then the reason.
    /// - Returns: the machine in ERROR, or still being deleted, with the reason.
    package func afterTimeLimit(_ limit: Duration, nodeSilent: Bool) -> MachineTransition {
        var transition = MachineTransition(of: self)
        let fault = timeLimitFault(limit, nodeSilent: nodeSilent)
        transition.machine.fault = fault
        transition.events.append(MachineEvent(.warning, phase.failure, fault.message))
        if !transition.follow(.expire) { transition.stopsClock = true }
        return transition
    }

    private func timeLimitFault(_ limit: Duration, nodeSilent: Bool) -> Fault {
        let minutes = max(1, (limit.components.seconds + 30) / 60)
        let span = "\(minutes) minute\(minutes == 1 ? "" : "s")"
        if nodeID == nil {
            return Fault(.noCapacity, "No other node had room for it within \(span).")
        }
        if nodeSilent {
            return Fault(.nodeSilent, "Its node has stopped reporting; it was \(phase.rawValue) for \(span).")
        }
        let last = fault.map { " The last reason was: \($0.message)" } ?? ""
        return Fault(.timeLimit, "It was \(phase.rawValue) for longer than \(span).\(last)")
    }
}
