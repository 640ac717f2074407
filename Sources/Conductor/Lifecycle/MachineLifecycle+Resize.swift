// SPDX-License-Identifier: Apache-2.0

package import GantryModel
import Postgres

extension MachineLifecycle {
    /// Gives a machine that is off another flavor of its region, on the node where it is. Its guest finds the processors,
    /// the memory and the larger disk when it is started next.
    ///
    /// - Returns: the machine with the flavor.
    /// - Throws: ``MachineRefusal`` with `notFound`, `wrongState`, `noCapacity` or `neverFits`.
    @discardableResult
    package func resize(
        _ id: VirtualMachineID,
        to flavor: String,
        in organization: OrganizationID,
        by user: UserID?
    ) async throws -> VirtualMachineRecord {
        try await change(id, in: organization, by: user) { machine, transaction in
            let transition = try machine.resized(to: flavor)
            try FlavorChange.load(flavor, for: machine, transaction).apply(to: machine, transaction)
            return (transition, ())
        }
        .0
    }
}

extension StoredMachine {
    fileprivate func resized(to flavor: String) throws(MachineRefusal) -> MachineTransition {
        guard phase == .shutoff || phase == .hibernated else {
            throw refusal("it can be resized when it is SHUTOFF or HIBERNATED")
        }
        try requireNoMove()
        var transition = MachineTransition(of: self)
        transition.raiseGeneration(above: generation)
        transition.events.append(
            MachineEvent(.normal, .resizeRequest, "Instance \(name) Resize to \(flavor) Request Sent.")
        )
        return transition
    }
}
