// SPDX-License-Identifier: Apache-2.0

public import GantryModel

/// One unit of a host's GPUs: all functions of an IOMMU group, since a guest gets either all of a group or none of it
/// (kernel, `Documentation/driver-api/vfio.rst`).
public struct GPUInventory: Hashable, Sendable, Codable {
    public enum Condition: String, Hashable, Sendable, Codable {
        /// Of no guest, cleaned after the last one, and fit for the next.
        case ready
        /// In a guest, or not cleaned yet.
        case busy
        /// Not to be used, for the reason in `reason`.
        case faulty
    }

    /// The unit's first GPU, by which the unit is known.
    public var address: PCIAddress
    /// What it is called, such as `GH100 [H100 SXM5 80GB]`.
    public var model: String
    /// The flavor's `gpu_type` that it answers to.
    public var gpuType: String
    public var numaNode: Int?
    /// May change with each boot of the host; nil where there is no IOMMU.
    public var iommuGroup: Int?
    /// All endpoints of the group, by address. Bridges are none.
    public var functions: [PCIFunction]
    public var condition: Condition
    /// Why it is faulty, or what a guest that has it may suffer from.
    public var reason: String?
    /// The newest claim that the node knows of; 0 for none. A `ready` unit was cleaned after it.
    public var claim: Int64
    /// How it was cleaned after that claim, such as `flr`.
    public var cleaning: String?

    public init(
        address: PCIAddress,
        model: String,
        gpuType: String,
        numaNode: Int?,
        iommuGroup: Int?,
        functions: [PCIFunction],
        condition: Condition,
        reason: String? = nil,
        claim: Int64 = 0,
        cleaning: String? = nil
    ) {
        (self.address, self.model, self.gpuType) = (address, model, gpuType)
        (self.numaNode, self.iommuGroup, self.functions) = (numaNode, iommuGroup, functions)
        (self.condition, self.reason) = (condition, reason)
        (self.claim, self.cleaning) = (claim, cleaning)
    }

    private enum CodingKeys: String, CodingKey {
        case address
        case model
        case gpuType = "gpu_type"
        case numaNode = "numa_node"
        case iommuGroup = "iommu_group"
        case functions
        case condition
        case reason
        case claim
        case cleaning
    }
}

/// A unit that a machine has, with the identity that the node checks before it hands the unit to a guest.
public struct GPUAssignment: Hashable, Sendable, Codable {
    public var address: PCIAddress
    public var functions: [PCIFunction]
    /// Rises each time that the unit is given to a machine, or has to be cleaned anew.
    public var claim: Int64

    public init(address: PCIAddress, functions: [PCIFunction], claim: Int64) {
        (self.address, self.functions, self.claim) = (address, functions, claim)
    }
}

/// A unit that no machine has any more, and that the node has to clean before another gets it.
public struct UncleanGPU: Hashable, Sendable, Codable {
    public var address: PCIAddress
    /// What the node says in ``GPUInventory/claim`` when it has.
    public var claim: Int64
    /// Whether the host's own drivers get it first, and nothing is cleaned, until an operator takes it back.
    public var isReturned: Bool

    public init(address: PCIAddress, claim: Int64, isReturned: Bool = false) {
        (self.address, self.claim, self.isReturned) = (address, claim, isReturned)
    }

    private enum CodingKeys: String, CodingKey {
        case address
        case claim
        case isReturned = "returned"
    }
}
