// SPDX-License-Identifier: Apache-2.0

/// The GPU models that nodes have.
public struct GPUsAnswer: Codable, Sendable, Hashable {
    public var status = true
    public var message = "Getting GPUs successful"
    public var gpuList: [GPUBody]

    public init(gpuList: [GPUBody]) {
        self.gpuList = gpuList
    }

    private enum CodingKeys: String, CodingKey {
        case status
        case message
        case gpuList = "gpu_list"
    }
}

/// A GPU model.
public struct GPUBody: Codable, Sendable, Hashable {
    /// That of the model's oldest device; models have no rows of their own.
    public var id: Int64
    public var name: String
    public var regions: [GPURegionBody]
    /// The vendor's hint for flavors, of which there is no like here.
    public var exampleMetadata: String
    public var createdAt: Timestamp
    @Nullable public var updatedAt: Timestamp?

    public init(id: Int64, name: String, regions: [GPURegionBody], createdAt: Timestamp, updatedAt: Timestamp?) {
        (self.id, self.name, self.regions, self.createdAt) = (id, name, regions, createdAt)
        exampleMetadata = ""
        _updatedAt = Nullable(wrappedValue: updatedAt)
    }

    private enum CodingKeys: String, CodingKey {
        case id
        case name
        case regions
        case exampleMetadata = "example_metadata"
        case createdAt = "created_at"
        case updatedAt = "updated_at"
    }
}

/// A region that has a GPU model.
public struct GPURegionBody: Codable, Sendable, Hashable {
    public var id: Int64
    public var name: String

    public init(id: Int64, name: String) {
        (self.id, self.name) = (id, name)
    }
}
