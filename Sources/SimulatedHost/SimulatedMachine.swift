// SPDX-License-Identifier: Apache-2.0

package import Agent
package import Foundation
package import GantryModel
package import GantryProtocol

/// What a simulated host holds of one machine.
package struct SimulatedMachine: Hashable, Sendable {
    package struct Domain: Hashable, Sendable {
        package var mark: MachineMark
        package var state: ObservedDomain.State
        /// False once it was undefined while it ran, so that it cannot be found by its mark any more.
        package var isPersistent = true
    }

    /// Stands for the disk's contents: another one is a disk that was made anew, its data lost.
    package var disk: UUID?
    /// Of the specification that the seed was written from.
    package var seed: String?
    package var domain: Domain?
    /// Those that its guest had when it was started last.
    package var gpus: Set<PCIAddress> = []

    package init() {}

    /// Whether it has files on the host.
    package var hasFiles: Bool { disk != nil || seed != nil }
    package var isEmpty: Bool { !hasFiles && domain == nil }
}

/// A line in the DHCP server of an environment's network.
package struct SimulatedDHCPHost: Hashable, Sendable {
    package let mac: MACAddress
    package let address: IPv4Address

    package init(_ attachment: NetworkAttachment) {
        (mac, address) = (attachment.mac, attachment.address)
    }
}
