// SPDX-License-Identifier: Apache-2.0

public import GantryModel

/// What a host has.
public struct NodeInventory: Hashable, Sendable, Codable {
    /// All of the host, before anything is reserved for itself.
    public var total: Resources
    /// What the agent keeps for the host.
    public var reserved: Resources
    /// The size of the huge pages that guests' memory is made of, which is then all that `total` counts; nil for ordinary
    /// pages.
    public var memoryPageMiB: Int?
    /// `kvm` or `qemu`: how guests run here.
    public var virtType: String
    public var hypervisorVersion: String
    public var agentVersion: String
    public var gpus: [GPUInventory]
    /// Those that Fabric Manager may make of the units. Where there are some, a machine's units are one of them.
    public var fabricPartitions: [FabricPartition]
    /// Those that can be used now.
    public var storagePools: [StoragePoolInventory]

    public init(
        total: Resources,
        reserved: Resources,
        memoryPageMiB: Int? = nil,
        virtType: String,
        hypervisorVersion: String,
        agentVersion: String,
        gpus: [GPUInventory],
        fabricPartitions: [FabricPartition] = [],
        storagePools: [StoragePoolInventory] = []
    ) {
        self.total = total
        self.reserved = reserved
        self.memoryPageMiB = memoryPageMiB
        self.virtType = virtType
        self.hypervisorVersion = hypervisorVersion
        self.agentVersion = agentVersion
        self.gpus = gpus
        self.fabricPartitions = fabricPartitions
        self.storagePools = storagePools
    }

    private enum CodingKeys: String, CodingKey {
        case total
        case reserved
        case memoryPageMiB = "memory_page_mib"
        case virtType = "virt_type"
        case hypervisorVersion = "hypervisor_version"
        case agentVersion = "agent_version"
        case gpus
        case fabricPartitions = "fabric_partitions"
        case storagePools = "storage_pools"
    }
}
