// SPDX-License-Identifier: Apache-2.0

package import GantryModel

/// A domain of ours on this host, as it was when it was looked at.
package struct ObservedDomain: Hashable, Sendable {
    package enum State: Hashable, Sendable {
        case running
        /// Held by the hypervisor, with a sentence on why.
        case paused(String)
        /// The guest shut itself down.
        case shutDown
        /// The guest panicked or its QEMU died.
        case crashed
        /// Off for another reason: never started, ended by somebody, or the host went down.
        case off
    }

    package var uuid: MachineUUID
    package var mark: MachineMark
    package var state: State

    package init(uuid: MachineUUID, mark: MachineMark, state: State) {
        (self.uuid, self.mark, self.state) = (uuid, mark, state)
    }
}
