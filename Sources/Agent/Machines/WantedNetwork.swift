// SPDX-License-Identifier: Apache-2.0

package import GantryModel

/// All that a host's network shall let through, translate and answer: for the guests named here, and for no other.
package struct WantedNetwork: Sendable, Hashable {
    /// The guests with a port on the host, in the order of their UUIDs.
    package var guests: [MachineBlueprint]
    /// Every floating IP pool of the node's region; an address of these without an owner here is dropped.
    package var floatingIPPools: [Subnet]

    package init(guests: [MachineBlueprint], floatingIPPools: [Subnet]) {
        (self.guests, self.floatingIPPools) = (guests, floatingIPPools)
    }
}
