// SPDX-License-Identifier: Apache-2.0

/// A virtual machine as the API shows it. Clients dereference most fields without a look, so all are always there.
public struct InstanceBody: Codable, Sendable, Hashable {
    public var id: Int64
    public var name: String
    /// A ``MachineStatus``.
    public var status: String
    public var environment: Environment
    public var image: Image
    public var flavor: Flavor
    /// The image's type and version, such as `Debian 12`.
    public var os: String
    /// The first of the keys.
    public var keypair: Keypair
    /// All keys, in the order in which they were asked for.
    public var keypairs: [Keypair]
    public var volumeAttachments: [VolumeAttachment]
    @Nullable public var powerState: String?
    @Nullable public var vmState: String?
    @Nullable public var fixedIP: String?
    @Nullable public var floatingIP: String?
    public var floatingIPStatus: String
    public var securityRules: [SecurityRuleBody]
    @Nullable public var callbackURL: String?
    public var locked: Bool
    @Nullable public var contractID: Int64?
    public var labels: [String]
    public var createdAt: Timestamp
    public var features: EnvironmentFeatures
    public var isSnapshotting: Bool
    @Nullable public var clusterID: Int64?
    @Nullable public var dedicatedInferenceID: Int64?
    public var enhancedMetrics: EnhancedMetrics
    public var portRandomization: Bool
    public var portRandomizationStatus: String
    public var requiresPublicIP: Bool
    /// Why it is not what it should be; null when it is. The vendor has nothing like it.
    @Nullable public var fault: FaultBody?
    /// What its GPUs may suffer from, though it runs on; null when they are well. The vendor has nothing like it.
    @Nullable public var degradedReason: String?
    /// What its node is doing; null when nothing.
    @Nullable public var progress: ProgressBody?
    /// What its host and its own firmware know it by. No other machine ever has it. The vendor has nothing like it.
    public var uuid: String

    public init(
        id: Int64,
        name: String,
        status: String,
        environment: Environment,
        image: Image,
        flavor: Flavor,
        os: String,
        keypairs: [Keypair],
        powerState: String?,
        vmState: String?,
        fixedIP: String?,
        floatingIP: String?,
        floatingIPStatus: String,
        requiresPublicIP: Bool,
        securityRules: [SecurityRuleBody],
        volumeAttachments: [VolumeAttachment] = [],
        isSnapshotting: Bool = false,
        hasEnhancedMetrics: Bool = false,
        callbackURL: String?,
        labels: [String],
        createdAt: Timestamp,
        fault: FaultBody?,
        degradedReason: String?,
        progress: ProgressBody?,
        uuid: String
    ) {
        (self.id, self.name, self.status) = (id, name, status)
        (self.environment, self.image, self.flavor, self.os) = (environment, image, flavor, os)
        keypair = keypairs.first ?? Keypair(name: "")
        self.keypairs = keypairs
        self.volumeAttachments = volumeAttachments
        _powerState = Nullable(wrappedValue: powerState)
        _vmState = Nullable(wrappedValue: vmState)
        _fixedIP = Nullable(wrappedValue: fixedIP)
        _floatingIP = Nullable(wrappedValue: floatingIP)
        self.floatingIPStatus = floatingIPStatus
        self.securityRules = securityRules
        _callbackURL = Nullable(wrappedValue: callbackURL)
        locked = false
        _contractID = Nullable(wrappedValue: nil)
        (self.labels, self.createdAt) = (labels, createdAt)
        features = EnvironmentFeatures()
        self.isSnapshotting = isSnapshotting
        enhancedMetrics = EnhancedMetrics(enabled: hasEnhancedMetrics)
        _clusterID = Nullable(wrappedValue: nil)
        _dedicatedInferenceID = Nullable(wrappedValue: nil)
        // Ports are never randomized here, whatever the request said.
        portRandomization = false
        portRandomizationStatus = floatingIP == nil ? "NO_FLOATING_IP" : "DISABLED"
        self.requiresPublicIP = requiresPublicIP
        _fault = Nullable(wrappedValue: fault)
        _degradedReason = Nullable(wrappedValue: degradedReason)
        _progress = Nullable(wrappedValue: progress)
        self.uuid = uuid
    }

    private enum CodingKeys: String, CodingKey {
        case id
        case name
        case status
        case environment
        case image
        case flavor
        case os
        case keypair
        case keypairs
        case volumeAttachments = "volume_attachments"
        case powerState = "power_state"
        case vmState = "vm_state"
        case fixedIP = "fixed_ip"
        case floatingIP = "floating_ip"
        case floatingIPStatus = "floating_ip_status"
        case securityRules = "security_rules"
        case callbackURL = "callback_url"
        case locked
        case contractID = "contract_id"
        case labels
        case createdAt = "created_at"
        case features
        case isSnapshotting = "is_snapshotting"
        case clusterID = "cluster_id"
        case dedicatedInferenceID = "dedicated_inference_id"
        case enhancedMetrics = "enhanced_metrics"
        case portRandomization = "port_randomization"
        case portRandomizationStatus = "port_randomization_status"
        case requiresPublicIP = "requires_public_ip"
        case fault
        case degradedReason = "degraded_reason"
        case progress
        case uuid
    }
}

// MARK: - Parts

extension InstanceBody {
    /// Whether each minute's metrics are kept for a week rather than a day.
    public struct EnhancedMetrics: Codable, Sendable, Hashable {
        public var enabled: Bool

        public init(enabled: Bool) {
            self.enabled = enabled
        }
    }

    public struct Environment: Codable, Sendable, Hashable {
        public var id: Int64
        public var name: String
        public var orgID: Int64
        public var region: String
        public var features: EnvironmentFeatures

        public init(id: Int64, name: String, orgID: Int64, region: String) {
            (self.id, self.name, self.orgID, self.region) = (id, name, orgID, region)
            features = EnvironmentFeatures()
        }

        private enum CodingKeys: String, CodingKey {
            case id
            case name
            case orgID = "org_id"
            case region
            case features
        }
    }

    public struct Image: Codable, Sendable, Hashable {
        public var name: String

        public init(name: String) {
            self.name = name
        }
    }

    public struct Keypair: Codable, Sendable, Hashable {
        public var name: String

        public init(name: String) {
            self.name = name
        }
    }

    /// A volume that it has, is to get or has yet to let go of.
    public struct VolumeAttachment: Codable, Sendable, Hashable {
        public var id: Int64
        public var volume: Volume
        /// `ATTACHING`, `ATTACHED` or `DETACHING`.
        public var status: String
        /// Where a Linux guest finds it.
        public var device: String
        public var protected: Bool
        public var createdAt: Timestamp

        public init(id: Int64, volume: Volume, status: String, device: String, protected: Bool, createdAt: Timestamp) {
            (self.id, self.volume, self.status) = (id, volume, status)
            (self.device, self.protected, self.createdAt) = (device, protected, createdAt)
        }

        private enum CodingKeys: String, CodingKey {
            case id
            case volume
            case status
            case device
            case protected
            case createdAt = "created_at"
        }
    }

    public struct Volume: Codable, Sendable, Hashable {
        public var id: Int64
        public var name: String
        public var description: String
        public var volumeType: String
        /// In GB; the vendor's word for GiB.
        public var size: Int
        public var bootable: Bool

        public init(id: Int64, name: String, description: String, volumeType: String, size: Int, bootable: Bool) {
            (self.id, self.name, self.description) = (id, name, description)
            (self.volumeType, self.size, self.bootable) = (volumeType, size, bootable)
        }

        private enum CodingKeys: String, CodingKey {
            case id
            case name
            case description
            case volumeType = "volume_type"
            case size
            case bootable
        }
    }

    /// What the machine was given, which is what its flavor was then.
    public struct Flavor: Codable, Sendable, Hashable {
        public var id: Int64
        public var name: String
        public var cpu: Int
        /// In GB; the vendor's word for GiB.
        public var ram: Double
        /// In GB; the vendor's word for GiB.
        public var disk: Int
        public var ephemeral: Int
        public var gpu: String
        public var gpuCount: Int
        public var labels: [LabelBody]
        public var features: FlavorFeatures

        public init(id: Int64, name: String, cpu: Int, ram: Double, disk: Int, gpu: String, gpuCount: Int) {
            (self.id, self.name, self.cpu, self.ram, self.disk) = (id, name, cpu, ram, disk)
            (ephemeral, self.gpu, self.gpuCount) = (0, gpu, gpuCount)
            (labels, features) = ([], FlavorFeatures())
        }

        private enum CodingKeys: String, CodingKey {
            case id
            case name
            case cpu
            case ram
            case disk
            case ephemeral
            case gpu
            case gpuCount = "gpu_count"
            case labels
            case features
        }
    }
}

/// A label of a flavor or image.
public struct LabelBody: Codable, Sendable, Hashable {
    public var id: Int64
    public var label: String

    public init(id: Int64, label: String) {
        (self.id, self.label) = (id, label)
    }
}

/// What the vendor says of an environment and of a machine in it.
public struct EnvironmentFeatures: Codable, Sendable, Hashable {
    public var networkOptimised = false
    public var greenStatus = "NOT_GREEN"

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case networkOptimised = "network_optimised"
        case greenStatus = "green_status"
    }
}

/// What the vendor says of a flavor. True means that machines of it cannot do something.
public struct FlavorFeatures: Codable, Sendable, Hashable {
    public var networkOptimised = false
    public var noReboot = false
    public var noHibernation = false
    public var noSnapshot = false
    public var localStorageOnly = true
    public var apiOnly = false

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case networkOptimised = "network_optimised"
        case noReboot = "no_reboot"
        case noHibernation = "no_hibernation"
        case noSnapshot = "no_snapshot"
        case localStorageOnly = "local_storage_only"
        case apiOnly = "api_only"
    }
}

/// Why a machine is not what it should be.
public struct FaultBody: Codable, Sendable, Hashable {
    /// Stable, such as `image_digest_mismatch`.
    public var code: String
    public var message: String

    public init(code: String, message: String) {
        (self.code, self.message) = (code, message)
    }
}

/// What a machine's node is doing for it.
public struct ProgressBody: Codable, Sendable, Hashable {
    /// Such as `image` or `start`.
    public var step: String
    @Nullable public var percent: Int?

    public init(step: String, percent: Int?) {
        self.step = step
        _percent = Nullable(wrappedValue: percent)
    }
}
