// SPDX-License-Identifier: Apache-2.0

/// One unit of a node's GPUs as operators see it.
public struct AdminGPUBody: AnswerContent, Hashable {
    public static let singular = "gpu"
    public static let plural = "gpus"

    public var id: Int64
    /// The node's name.
    public var node: String
    /// The region's name.
    public var region: String
    /// The full PCI address of its first GPU.
    public var address: String
    public var model: String
    /// As in flavors.
    public var gpuType: String
    @Nullable public var numaNode: Int?
    @Nullable public var iommuGroup: Int?
    /// All that goes to a machine together.
    public var functions: [Function]
    /// The partitions of its node's Fabric Manager that it is in, of which a machine gets one whole; none without one.
    public var partitions: [Partition]
    /// `free`, `allocated`, `sanitizing` or `faulty`.
    public var state: String
    /// Whether the node's last inventory named it.
    public var present: Bool
    public var cordoned: Bool
    @Nullable public var cordonReason: String?
    /// Whether an operator gave it back to the host's own drivers.
    public var returned: Bool
    /// Why it is faulty, what holds up its cleaning, or what its machine may suffer from.
    @Nullable public var reason: String?
    /// Rises when a machine gets it, and when it has to be cleaned anew.
    public var claim: Int64
    /// How it was cleaned last.
    @Nullable public var cleaning: String?
    /// The machine that has it.
    @Nullable public var virtualMachineID: Int64?
    @Nullable public var virtualMachineName: String?
    /// The orphan that has it: a machine of its node that is not of this cloud's database.
    @Nullable public var orphanID: Int64?
    public var createdAt: Timestamp
    public var updatedAt: Timestamp

    public init(
        id: Int64,
        node: String,
        region: String,
        address: String,
        model: String,
        gpuType: String,
        numaNode: Int?,
        iommuGroup: Int?,
        functions: [Function],
        partitions: [Partition],
        state: String,
        present: Bool,
        cordoned: Bool,
        cordonReason: String?,
        returned: Bool,
        reason: String?,
        claim: Int64,
        cleaning: String?,
        virtualMachineID: Int64?,
        virtualMachineName: String?,
        orphanID: Int64?,
        createdAt: Timestamp,
        updatedAt: Timestamp
    ) {
        (self.id, self.node, self.region, self.address) = (id, node, region, address)
        (self.model, self.gpuType, self.functions, self.partitions) = (model, gpuType, functions, partitions)
        _numaNode = Nullable(wrappedValue: numaNode)
        _iommuGroup = Nullable(wrappedValue: iommuGroup)
        (self.state, self.present, self.cordoned, self.claim) = (state, present, cordoned, claim)
        _cordonReason = Nullable(wrappedValue: cordonReason)
        self.returned = returned
        _reason = Nullable(wrappedValue: reason)
        _cleaning = Nullable(wrappedValue: cleaning)
        _virtualMachineID = Nullable(wrappedValue: virtualMachineID)
        _virtualMachineName = Nullable(wrappedValue: virtualMachineName)
        _orphanID = Nullable(wrappedValue: orphanID)
        (self.createdAt, self.updatedAt) = (createdAt, updatedAt)
    }

    /// One PCI function of it.
    public struct Function: Codable, Sendable, Hashable {
        public var address: String
        /// Vendor and device id, such as `10de:2330`.
        public var pciID: String

        public init(address: String, pciID: String) {
            (self.address, self.pciID) = (address, pciID)
        }

        private enum CodingKeys: String, CodingKey {
            case address
            case pciID = "pci_id"
        }
    }

    /// GPUs of a node that reach each other by NVLink, and no others, while it is active.
    public struct Partition: Codable, Sendable, Hashable {
        /// Fabric Manager's number of it.
        public var id: Int
        /// How many GPUs it has.
        public var size: Int
        public var active: Bool

        public init(id: Int, size: Int, active: Bool) {
            (self.id, self.size, self.active) = (id, size, active)
        }
    }

    private enum CodingKeys: String, CodingKey {
        case id
        case node
        case region
        case address
        case model
        case gpuType = "gpu_type"
        case numaNode = "numa_node"
        case iommuGroup = "iommu_group"
        case functions
        case partitions
        case state
        case present
        case cordoned
        case cordonReason = "cordon_reason"
        case returned
        case reason
        case claim
        case cleaning
        case virtualMachineID = "virtual_machine_id"
        case virtualMachineName = "virtual_machine_name"
        case orphanID = "orphan_id"
        case createdAt = "created_at"
        case updatedAt = "updated_at"
    }
}

/// `GET /v1/admin/gpus/{id}`.
public struct AdminGPUAnswer: Codable, Sendable, Hashable {
    public var status = true
    public var message: String
    public var gpu: AdminGPUBody
    /// Newest first.
    public var uses: [GPUUseBody]

    public init(message: String, gpu: AdminGPUBody, uses: [GPUUseBody]) {
        (self.message, self.gpu, self.uses) = (message, gpu, uses)
    }
}

/// What became of a unit under one claim.
public struct GPUUseBody: Codable, Sendable, Hashable {
    public var claim: Int64
    /// The machine that had it, which may be gone; null where the unit was only cleaned anew.
    @Nullable public var virtualMachineID: Int64?
    @Nullable public var virtualMachineName: String?
    @Nullable public var organizationID: Int64?
    /// Null when the organization is gone.
    @Nullable public var organizationName: String?
    public var startedAt: Timestamp
    @Nullable public var releasedAt: Timestamp?
    @Nullable public var cleanedAt: Timestamp?
    /// How it was cleaned, such as `flr`.
    @Nullable public var cleaning: String?
    @Nullable public var faultyAt: Timestamp?
    /// Why it became faulty.
    @Nullable public var fault: String?

    public init(
        claim: Int64,
        virtualMachineID: Int64?,
        virtualMachineName: String?,
        organizationID: Int64?,
        organizationName: String?,
        startedAt: Timestamp,
        releasedAt: Timestamp?,
        cleanedAt: Timestamp?,
        cleaning: String?,
        faultyAt: Timestamp?,
        fault: String?
    ) {
        (self.claim, self.startedAt) = (claim, startedAt)
        _virtualMachineID = Nullable(wrappedValue: virtualMachineID)
        _virtualMachineName = Nullable(wrappedValue: virtualMachineName)
        _organizationID = Nullable(wrappedValue: organizationID)
        _organizationName = Nullable(wrappedValue: organizationName)
        _releasedAt = Nullable(wrappedValue: releasedAt)
        _cleanedAt = Nullable(wrappedValue: cleanedAt)
        _cleaning = Nullable(wrappedValue: cleaning)
        _faultyAt = Nullable(wrappedValue: faultyAt)
        _fault = Nullable(wrappedValue: fault)
    }

    private enum CodingKeys: String, CodingKey {
        case claim
        case virtualMachineID = "virtual_machine_id"
        case virtualMachineName = "virtual_machine_name"
        case organizationID = "organization_id"
        case organizationName = "organization_name"
        case startedAt = "started_at"
        case releasedAt = "released_at"
        case cleanedAt = "cleaned_at"
        case cleaning
        case faultyAt = "faulty_at"
        case fault
    }
}
