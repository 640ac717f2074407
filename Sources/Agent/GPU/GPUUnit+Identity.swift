// SPDX-License-Identifier: Apache-2.0

package import GantryModel
package import GantryProtocol

extension GPUUnit {
    /// The first GPU's, by which the unit is known.
    package var address: PCIAddress { gpus[0].address }

    /// What the unit is, function by function. The group's number is no part of it: it may change with each boot.
    package var identity: [PCIFunction] { functions.map(\.function) }
}
