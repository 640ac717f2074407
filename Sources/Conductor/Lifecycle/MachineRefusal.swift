// SPDX-License-Identifier: Apache-2.0

/// Why an operation on virtual machines was not begun. Nothing was changed.
package struct MachineRefusal: Error, Sendable, CustomStringConvertible {
    /// What a caller tells apart.
    package enum Reason: Sendable, Hashable, CaseIterable {
        /// The request cannot be right, such as a name that gets too long by its number.
        case invalid
        /// No such machine, or nothing by an id that the request names.
        case notFound
        /// The machine rests in a state that does not allow it.
        case wrongState
        /// Something else is being done to the machine; when that is over, this may be done.
        case conflict
        /// Another machine of the environment has the name.
        case nameTaken
        /// The idempotency key was used with another request.
        case idempotencyMismatch
        /// Nothing fits now; the message counts why, node by node.
        case noCapacity
        /// No node could hold it even if it were empty.
        case neverFits
        /// The environment's network is used up.
        case noPrivateAddress
        /// The region's pools are used up.
        case noFloatingIP
        /// Another machine has the floating IP, and it was not said that it may lose it.
        case floatingIPInUse
    }

    package let reason: Reason
    /// A sentence for the tenant.
    package let message: String

    package init(_ reason: Reason, _ message: String) {
        (self.reason, self.message) = (reason, message)
    }

    package var description: String { message }
}
