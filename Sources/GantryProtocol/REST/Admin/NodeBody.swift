// SPDX-License-Identifier: Apache-2.0

public import GantryModel

/// A compute node as operators see it.
public struct NodeBody: AnswerContent, Hashable {
    public static let singular = "node"
    public static let plural = "nodes"

    public var id: Int64
    public var name: String
    /// The region's name.
    public var region: String
    /// The host's own name, as its agent first gave it.
    @Nullable public var hostname: String?
    /// `new` until its agent first came, `up`, `silent` when its reports stopped, or `dead` when an operator said so then.
    public var state: String
    /// `valid`, `rotating` while its agent has not used the new ones yet, or `revoked` until its host has joined again.
    public var credentials: String
    /// Whether new machines may go there.
    public var schedulable: Bool
    public var cordoned: Bool
    @Nullable public var cordonReason: String?
    /// Nil while it is not drained.
    @Nullable public var drain: NodeDrainBody?
    /// Set until a host came back and is rid of what went elsewhere.
    @Nullable public var declaredDeadAt: Timestamp?
    @Nullable public var fencedBy: String?
    /// False while its agent names problems.
    public var healthy: Bool
    public var problems: [String]
    /// True when the host lost capacity that was already given out.
    public var shrunk: Bool
    /// True from a restore of the database on, until its agent has said what the host holds.
    public var unsurveyed: Bool
    @Nullable public var virtType: String?
    @Nullable public var hypervisorVersion: String?
    @Nullable public var agentVersion: String?
    /// What the host has.
    public var total: Resources
    /// What it keeps for itself.
    public var reserved: Resources
    /// The size of the huge pages that machines' memory is made of, which is then all that `total` counts; nil for ordinary
    /// pages.
    @Nullable public var memoryPageMiB: Int?
    /// What may be given out: total without reserved, times the ratios, of huge pages at most all.
    public var limit: Resources
    public var allocated: Resources
    public var ratios: RatiosBody
    public var gpus: [AdminGPUBody]
    public var virtualMachineCount: Int
    @Nullable public var lastReportAt: Timestamp?
    /// Another one each time that the host is started.
    @Nullable public var bootID: String?
    public var createdAt: Timestamp

    public init(
        id: Int64,
        name: String,
        region: String,
        hostname: String?,
        state: String,
        credentials: String,
        schedulable: Bool,
        cordonReason: String?,
        cordoned: Bool,
        drain: NodeDrainBody?,
        declaredDeadAt: Timestamp?,
        fencedBy: String?,
        healthy: Bool,
        problems: [String],
        shrunk: Bool,
        unsurveyed: Bool,
        virtType: String?,
        hypervisorVersion: String?,
        agentVersion: String?,
        total: Resources,
        reserved: Resources,
        memoryPageMiB: Int?,
        limit: Resources,
        allocated: Resources,
        ratios: RatiosBody,
        gpus: [AdminGPUBody],
        virtualMachineCount: Int,
        lastReportAt: Timestamp?,
        bootID: String?,
        createdAt: Timestamp
    ) {
        (self.id, self.name, self.region, self.state) = (id, name, region, state)
        _hostname = Nullable(wrappedValue: hostname)
        (self.credentials, self.schedulable, self.cordoned) = (credentials, schedulable, cordoned)
        _cordonReason = Nullable(wrappedValue: cordonReason)
        _drain = Nullable(wrappedValue: drain)
        _declaredDeadAt = Nullable(wrappedValue: declaredDeadAt)
        _fencedBy = Nullable(wrappedValue: fencedBy)
        (self.healthy, self.problems, self.shrunk, self.unsurveyed) = (healthy, problems, shrunk, unsurveyed)
        _virtType = Nullable(wrappedValue: virtType)
        _hypervisorVersion = Nullable(wrappedValue: hypervisorVersion)
        _agentVersion = Nullable(wrappedValue: agentVersion)
        _memoryPageMiB = Nullable(wrappedValue: memoryPageMiB)
        (self.total, self.reserved, self.limit, self.allocated) = (total, reserved, limit, allocated)
        (self.ratios, self.gpus, self.virtualMachineCount) = (ratios, gpus, virtualMachineCount)
        _lastReportAt = Nullable(wrappedValue: lastReportAt)
        _bootID = Nullable(wrappedValue: bootID)
        self.createdAt = createdAt
    }

    private enum CodingKeys: String, CodingKey {
        case id
        case name
        case region
        case hostname
        case state
        case credentials
        case schedulable
        case cordoned
        case cordonReason = "cordon_reason"
        case drain
        case declaredDeadAt = "declared_dead_at"
        case fencedBy = "fenced_by"
        case healthy
        case problems
        case shrunk
        case unsurveyed
        case virtType = "virt_type"
        case hypervisorVersion = "hypervisor_version"
        case agentVersion = "agent_version"
        case total
        case reserved
        case memoryPageMiB = "memory_page_mib"
        case limit
        case allocated
        case ratios
        case gpus
        case virtualMachineCount = "virtual_machine_count"
        case lastReportAt = "last_report_at"
        case bootID = "boot_id"
        case createdAt = "created_at"
    }
}
