// SPDX-License-Identifier: Apache-2.0

/// A flavor as operators see it.
public struct AdminFlavorBody: AnswerContent, Hashable {
    public static let singular = "flavor"
    public static let plural = "flavors"

    public var id: Int64
    /// The region's name.
    public var region: String
    public var name: String
    public var vcpus: Int
    public var memoryMiB: Int
    public var diskGiB: Int
    /// Empty without GPUs.
    public var gpuType: String
    public var gpuCount: Int
    /// `keep` or `release`: what a stop does to vCPUs, memory and GPUs.
    public var stopPolicy: String
    /// How many machines of it exist.
    public var virtualMachineCount: Int
    public var createdAt: Timestamp

    public init(
        id: Int64,
        region: String,
        name: String,
        vcpus: Int,
        memoryMiB: Int,
        diskGiB: Int,
        gpuType: String,
        gpuCount: Int,
        stopPolicy: String,
        virtualMachineCount: Int,
        createdAt: Timestamp
    ) {
        (self.id, self.region, self.name) = (id, region, name)
        (self.vcpus, self.memoryMiB, self.diskGiB) = (vcpus, memoryMiB, diskGiB)
        (self.gpuType, self.gpuCount, self.stopPolicy) = (gpuType, gpuCount, stopPolicy)
        (self.virtualMachineCount, self.createdAt) = (virtualMachineCount, createdAt)
    }

    private enum CodingKeys: String, CodingKey {
        case id
        case region
        case name
        case vcpus
        case memoryMiB = "memory_mib"
        case diskGiB = "disk_gib"
        case gpuType = "gpu_type"
        case gpuCount = "gpu_count"
        case stopPolicy = "stop_policy"
        case virtualMachineCount = "virtual_machine_count"
        case createdAt = "created_at"
    }
}

/// `POST /v1/admin/flavors`.
public struct CreateFlavorRequest: RequestFields, Hashable {
    /// The region's name.
    public var region: String
    public var name: String
    public var vcpus: Int
    public var memoryMiB: Int
    public var diskGiB: Int
    /// As the nodes' agents name their devices; nil or empty without GPUs.
    public var gpuType: String?
    public var gpuCount: Int?
    /// `keep`, which is also meant by nil, or `release`.
    public var stopPolicy: String?

    public init(
        region: String,
        name: String,
        vcpus: Int,
        memoryMiB: Int,
        diskGiB: Int,
        gpuType: String? = nil,
        gpuCount: Int? = nil,
        stopPolicy: String? = nil
    ) {
        (self.region, self.name, self.vcpus, self.memoryMiB) = (region, name, vcpus, memoryMiB)
        (self.diskGiB, self.gpuType, self.gpuCount, self.stopPolicy) = (diskGiB, gpuType, gpuCount, stopPolicy)
    }

    public enum CodingKeys: String, CodingKey, CaseIterable {
        case region
        case name
        case vcpus
        case memoryMiB = "memory_mib"
        case diskGiB = "disk_gib"
        case gpuType = "gpu_type"
        case gpuCount = "gpu_count"
        case stopPolicy = "stop_policy"
    }
}
