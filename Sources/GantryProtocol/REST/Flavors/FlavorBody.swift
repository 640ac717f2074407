// SPDX-License-Identifier: Apache-2.0

/// A size of machines, as tenants see it.
public struct FlavorBody: Codable, Sendable, Hashable {
    public var id: Int64
    public var name: String
    @Nullable public var displayName: String?
    public var regionName: String
    public var cpu: Int
    /// In GB; the vendor's word for GiB.
    public var ram: Double
    /// In GB; the vendor's word for GiB.
    public var disk: Int
    public var ephemeral: Int
    /// Empty without GPUs.
    public var gpu: String
    public var gpuCount: Int
    /// `keep` or `release`: whether a machine that is off has to find vCPUs, memory and GPUs again when it is started.
    public var stopPolicy: String
    /// Whether a node has room for one machine now.
    public var stockAvailable: Bool
    public var createdAt: Timestamp
    public var labels: [LabelBody]
    public var features: FlavorFeatures
    public var imageRestrictions = ImageRestrictionsBody()

    public init(
        id: Int64,
        name: String,
        regionName: String,
        cpu: Int,
        ram: Double,
        disk: Int,
        gpu: String,
        gpuCount: Int,
        stopPolicy: String,
        stockAvailable: Bool,
        createdAt: Timestamp
    ) {
        (self.id, self.name, self.regionName) = (id, name, regionName)
        _displayName = Nullable(wrappedValue: nil)
        (self.cpu, self.ram, self.disk, ephemeral) = (cpu, ram, disk, 0)
        (self.gpu, self.gpuCount, self.stockAvailable) = (gpu, gpuCount, stockAvailable)
        (self.stopPolicy, self.createdAt) = (stopPolicy, createdAt)
        (labels, features) = ([], FlavorFeatures())
    }

    private enum CodingKeys: String, CodingKey {
        case id
        case name
        case displayName = "display_name"
        case regionName = "region_name"
        case cpu
        case ram
        case disk
        case ephemeral
        case gpu
        case gpuCount = "gpu_count"
        case stopPolicy = "stop_policy"
        case stockAvailable = "stock_available"
        case createdAt = "created_at"
        case labels
        case features
        case imageRestrictions = "image_restrictions"
    }
}

/// Which images may boot with a flavor: all of them.
public struct ImageRestrictionsBody: Codable, Sendable, Hashable {
    public var hasImageRestrictions = false
    @Nullable public var restrictionType: String?
    public var compatibleImages: [String] = []

    public init() {
        _restrictionType = Nullable(wrappedValue: nil)
    }

    private enum CodingKeys: String, CodingKey {
        case hasImageRestrictions = "has_image_restrictions"
        case restrictionType = "restriction_type"
        case compatibleImages = "compatible_images"
    }
}

/// The flavors of one region with one kind of GPU, or with none.
public struct FlavorGroupBody: Codable, Sendable, Hashable {
    public var gpu: String
    public var regionName: String
    public var flavors: [FlavorBody]

    public init(gpu: String, regionName: String, flavors: [FlavorBody]) {
        (self.gpu, self.regionName, self.flavors) = (gpu, regionName, flavors)
    }

    private enum CodingKeys: String, CodingKey {
        case gpu
        case regionName = "region_name"
        case flavors
    }
}

/// All flavors, in groups.
public struct FlavorsAnswer: Codable, Sendable, Hashable {
    public var status = true
    public var message = "Getting flavors successful"
    public var data: [FlavorGroupBody]

    public init(data: [FlavorGroupBody]) {
        self.data = data
    }
}
