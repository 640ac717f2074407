// SPDX-License-Identifier: Apache-2.0

public import GantryModel

/// An agent's first word after it started: `POST /v1/internal/nodes/{node}/sessions`.
public struct NodeSessionRequest: Hashable, Sendable, Codable {
    public var protocolVersion: Int
    public var bootID: String
    /// The kernel's name of the host, for the operator and for the identity check.
    public var hostname: String
    public var inventory: NodeInventory
    /// Every machine of ours that the host has. A conductor to which the node is new refuses a host that has some.
    public var machines: [HostedMachine]
    /// The machines that were here last and are gone, as far as is remembered.
    public var removedMachines: [MachineUUID]
    /// The newest epoch that this host was ever given; nil for none. A conductor that gave none so new has a database that
    /// was restored.
    public var lastEpoch: Int64?

    public init(
        bootID: String,
        hostname: String,
        inventory: NodeInventory,
        machines: [HostedMachine],
        removedMachines: [MachineUUID] = [],
        lastEpoch: Int64? = nil
    ) {
        protocolVersion = ProtocolVersion.current
        self.bootID = bootID
        self.hostname = hostname
        self.inventory = inventory
        self.machines = machines
        self.removedMachines = removedMachines
        self.lastEpoch = lastEpoch
    }

    private enum CodingKeys: String, CodingKey {
        case protocolVersion = "protocol_version"
        case bootID = "boot_id"
        case hostname
        case inventory
        case machines
        case removedMachines = "removed_machines"
        case lastEpoch = "last_epoch"
    }
}

/// The conductor's answer: what holds until the agent's next start.
public struct NodeSession: Hashable, Sendable, Codable {
    /// Higher than any given to this node before. Two agents with one identity end with the older one stopped.
    public var epoch: Int64
    public var nodeID: NodeID
    /// The queue to consume.
    public var queue: String
    /// How often to report when nothing happens.
    public var reportInterval: Int
    /// How often to ask for the desired state.
    public var desiredInterval: Int
    /// Every floating IP pool of the node's region; addresses of these without an owner are dropped.
    public var floatingIPPools: [Subnet]
    /// What must not be on the node any more, since the node was declared dead and it went elsewhere: taken down before
    /// anything else is done.
    public var abandoned: [MachineTask]

    public init(
        epoch: Int64,
        nodeID: NodeID,
        queue: String,
        reportInterval: Int,
        desiredInterval: Int,
        floatingIPPools: [Subnet],
        abandoned: [MachineTask] = []
    ) {
        self.epoch = epoch
        self.nodeID = nodeID
        self.queue = queue
        self.reportInterval = reportInterval
        self.desiredInterval = desiredInterval
        self.floatingIPPools = floatingIPPools
        self.abandoned = abandoned
    }

    private enum CodingKeys: String, CodingKey {
        case epoch
        case nodeID = "node_id"
        case queue
        case reportInterval = "report_interval"
        case desiredInterval = "desired_interval"
        case floatingIPPools = "floating_ip_pools"
        case abandoned
    }
}

/// All that is wanted of a node: `GET /v1/internal/nodes/{node}/desired`.
///
/// `ETag` is the revision; with `If-None-Match` the answer is 304 when nothing changed.
public struct DesiredState: Hashable, Sendable, Codable {
    /// Rises with each change of what is wanted of the node.
    public var revision: Int64
    public var machines: [MachineTask]
    public var floatingIPPools: [Subnet]

    public init(revision: Int64, machines: [MachineTask], floatingIPPools: [Subnet]) {
        self.revision = revision
        self.machines = machines
        self.floatingIPPools = floatingIPPools
    }

    private enum CodingKeys: String, CodingKey {
        case revision
        case machines
        case floatingIPPools = "floating_ip_pools"
    }
}

/// The answer to a report.
public struct ReportReceipt: Hashable, Sendable, Codable {
    /// The newest revision of what is wanted; a higher one than the agent has is a reason to ask for it.
    public var revision: Int64
    /// Volumes whose files have to go from pools of the node, told until the node says that they are gone.
    public var absentVolumes: [AbsentVolume]
    /// GPUs that have to be cleaned, told until the node says that they are, or that they cannot be.
    public var uncleanGPUs: [UncleanGPU]
    /// The number of a rotation of the node's secrets that has to be done, told until the first use of the new ones.
    public var rotation: Int64?
    /// Orphans that an operator wants gone, told until the node says that they are absent.
    public var absentOrphans: [MachineUUID]

    public init(
        revision: Int64,
        absentVolumes: [AbsentVolume] = [],
        uncleanGPUs: [UncleanGPU] = [],
        rotation: Int64? = nil,
        absentOrphans: [MachineUUID] = []
    ) {
        (self.revision, self.absentVolumes, self.uncleanGPUs) = (revision, absentVolumes, uncleanGPUs)
        (self.rotation, self.absentOrphans) = (rotation, absentOrphans)
    }

    private enum CodingKeys: String, CodingKey {
        case revision
        case absentVolumes = "absent_volumes"
        case uncleanGPUs = "unclean_gpus"
        case rotation
        case absentOrphans = "absent_orphans"
    }
}
