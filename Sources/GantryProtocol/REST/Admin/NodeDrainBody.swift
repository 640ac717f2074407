// SPDX-License-Identifier: Apache-2.0

public import GantryModel

/// How far the drain of a node is.
public struct NodeDrainBody: Codable, Hashable, Sendable {
    public var policy: DrainPolicy
    public var since: Timestamp
    /// Machines that are still to stop, or to go; nil before they were first looked at.
    @Nullable public var left: Int?
    /// Machines that are left where they are.
    @Nullable public var staying: Int?
    /// What holds it up, other than the machines themselves.
    @Nullable public var obstacle: String?
    /// Since when nothing is left to do; nil before.
    @Nullable public var finishedAt: Timestamp?

    public init(
        policy: DrainPolicy,
        since: Timestamp,
        left: Int?,
        staying: Int?,
        obstacle: String?,
        finishedAt: Timestamp?
    ) {
        (self.policy, self.since) = (policy, since)
        _left = Nullable(wrappedValue: left)
        _staying = Nullable(wrappedValue: staying)
        _obstacle = Nullable(wrappedValue: obstacle)
        _finishedAt = Nullable(wrappedValue: finishedAt)
    }

    private enum CodingKeys: String, CodingKey {
        case policy
        case since
        case left
        case staying
        case obstacle
        case finishedAt = "finished_at"
    }
}

/// A machine as the operator of its node sees it.
public struct NodeMachineBody: AnswerContent, Hashable {
    public static let singular = "virtual_machine"
    public static let plural = "virtual_machines"

    public var id: Int64
    public var name: String
    /// The organization's name.
    public var organization: String
    public var status: String
    public var vcpus: Int
    public var memoryMiB: Int
    public var diskGiB: Int
    public var gpuCount: Int
    /// Whether its vCPUs, memory and GPUs are among what the node gave out.
    public var holdsCompute: Bool
    /// What keeps it on the node; nil for one that can be moved.
    @Nullable public var localState: String?
    /// `pending` while the node's drain waits for it, `stays` where it is left; nil while the node is not drained.
    @Nullable public var drain: String?
    /// Why, in words.
    @Nullable public var drainReason: String?

    public init(
        id: Int64,
        name: String,
        organization: String,
        status: String,
        resources: Resources,
        gpuCount: Int,
        holdsCompute: Bool,
        localState: String?,
        drain: String?,
        drainReason: String?
    ) {
        (self.id, self.name, self.organization, self.status) = (id, name, organization, status)
        (vcpus, memoryMiB, diskGiB) = (resources.vcpus, resources.memoryMiB, resources.diskGiB)
        (self.gpuCount, self.holdsCompute) = (gpuCount, holdsCompute)
        _localState = Nullable(wrappedValue: localState)
        _drain = Nullable(wrappedValue: drain)
        _drainReason = Nullable(wrappedValue: drainReason)
    }

    private enum CodingKeys: String, CodingKey {
        case id
        case name
        case organization
        case status
        case vcpus
        case memoryMiB = "memory_mib"
        case diskGiB = "disk_gib"
        case gpuCount = "gpu_count"
        case holdsCompute = "holds_compute"
        case localState = "local_state"
        case drain
        case drainReason = "drain_reason"
    }
}
