// SPDX-License-Identifier: Apache-2.0

package import Agent
package import GantryModel

/// Something that goes wrong with a step on a simulated host.
package struct Disturbance: Hashable, Sendable {
    package enum Kind: Hashable, Sendable {
        /// The step fails.
        case fail(Fault)
        /// The step does not end until it is cancelled.
        case hang
        /// The agent's process dies: none of its calls does anything more, or ends before it is cancelled.
        case kill
        /// The host loses power: the agent dies, guests and the kernel's state are gone, disks and definitions are kept.
        case powerCut
    }

    package let kind: Kind
    /// Whether the step had done its work by then.
    package let isLate: Bool

    package init(_ kind: Kind, isLate: Bool = false) {
        (self.kind, self.isLate) = (kind, isLate)
    }

    /// Decides for each step of each machine; nil lets it pass.
    package typealias Source = @Sendable (ConvergenceStep, MachineUUID) -> Disturbance?
}
