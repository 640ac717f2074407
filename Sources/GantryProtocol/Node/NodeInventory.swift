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
