// SPDX-License-Identifier: Apache-2.0

package import Foundation
package import GantryModel
package import GantryProtocol

/// One unit of a node's GPUs, as operators see it.
package struct GPURecord: Sendable, Hashable {
    package enum State: String, Sendable, Hashable, CaseIterable {
        /// Clean, and of no machine.
        case free
        case allocated
        /// Of no machine, and not known to be clean.
        case sanitizing
        case faulty
    }

    /// Units that a machine has together, whole.
    package struct Partition: Sendable, Hashable, Codable {
        /// Fabric Manager's number of it.
        package var id: Int
        /// How many units it has.
        package var size: Int
        /// Whether its units reach each other now.
        package var active: Bool
    }

    package var id: GPUID
    package var node: NodeName
    package var regionName: String
    /// Of its first GPU.
    package var address: PCIAddress
    package var model: String
    package var type: String
    package var numaNode: Int?
    package var iommuGroup: Int?
    /// All that goes to a machine together, by address.
    package var functions: [PCIFunction]
    /// The partitions of its node's Fabric Manager that it is in.
    package var partitions: [Partition]
    package var state: State
    /// Whether the node's last inventory named it.
    package var isPresent: Bool
    package var cordoned: Bool
    package var cordonReason: String?
    /// Whether an operator gave it back to the host's own drivers.
    package var isReturned: Bool
    /// Why it is faulty, what holds up its cleaning, or what its machine may suffer from.
    package var reason: String?
    package var claim: Int64
    /// How it was cleaned last.
    package var cleaning: String?
    /// The machine that has it.
    package var machineID: VirtualMachineID?
    package var machineName: String?
    /// The orphan that has it, whatever machine should.
    package var orphanID: OrphanID?
    package var createdAt: Date
    package var updatedAt: Date
}

/// What became of a unit under one claim.
package struct GPUUseRecord: Sendable, Hashable {
    package var claim: Int64
    /// The machine that had it, which may be gone; nil where the unit was only cleaned anew.
    package var machineID: VirtualMachineID?
    package var machineName: String?
    package var organizationID: OrganizationID?
    /// Nil when the organization is gone.
    package var organizationName: String?
    package var startedAt: Date
    package var releasedAt: Date?
    package var cleanedAt: Date?
    /// How it was cleaned, such as `flr`.
    package var cleaning: String?
    package var faultyAt: Date?
    /// Why it became faulty.
    package var fault: String?
}
