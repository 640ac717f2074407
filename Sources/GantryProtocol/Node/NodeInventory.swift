// SPDX-License-Identifier: Apache-2.0

public import GantryModel

/// What a host has.
public struct NodeInventory: Hashable, Sendable, Codable {
    /// All of the host, before anything is reserved for itself.
    public var total: Resources
    /// What the agent keeps for the host.
    public var reserved: Resources
    /// `kvm` or `qemu`: how guests run here.
    public var virtType: String
    public var hypervisorVersion: String
    public var agentVersion: String
    public var gpus: [GPUInventory]
    /// Those that can be used now.
    public var storagePools: [StoragePoolInventory]

    public init(
        total: Resources,
        reserved: Resources,
        virtType: String,
        hypervisorVersion: String,
        agentVersion: String,
        gpus: [GPUInventory],
        storagePools: [StoragePoolInventory] = []
    ) {
        self.total = total
        self.reserved = reserved
        self.virtType = virtType
        self.hypervisorVersion = hypervisorVersion
        self.agentVersion = agentVersion
        self.gpus = gpus
        self.storagePools = storagePools
    }

    private enum CodingKeys: String, CodingKey {
        case total
        case reserved
        case virtType = "virt_type"
        case hypervisorVersion = "hypervisor_version"
        case agentVersion = "agent_version"
        case gpus
        case storagePools = "storage_pools"
    }
}

/// One assignable device of a host.
public struct GPUInventory: Hashable, Sendable, Codable {
    public enum Condition: String, Hashable, Sendable, Codable {
        /// Free of any guest, reset, and fit for the next.
        case ready
        /// In a guest, or on its way in or out.
        case busy
        /// Not to be used, for the reason in `reason`.
        case faulty
    }

    public var address: PCIAddress
    /// PCI vendor and device id, such as `10de:2330`.
    public var pciID: String
    /// The flavor's `gpu_type` that it answers to.
    public var gpuType: String
    public var numaNode: Int?
    public var iommuGroup: Int
    public var condition: Condition
    public var reason: String?

    public init(
        address: PCIAddress,
        pciID: String,
        gpuType: String,
        numaNode: Int?,
        iommuGroup: Int,
        condition: Condition,
        reason: String? = nil
    ) {
        self.address = address
        self.pciID = pciID
        self.gpuType = gpuType
        self.numaNode = numaNode
        self.iommuGroup = iommuGroup
        self.condition = condition
        self.reason = reason
    }

    private enum CodingKeys: String, CodingKey {
        case address
        case pciID = "pci_id"
        case gpuType = "gpu_type"
        case numaNode = "numa_node"
        case iommuGroup = "iommu_group"
        case condition
        case reason
    }
}
