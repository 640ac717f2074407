// SPDX-License-Identifier: Apache-2.0

public import GantryModel

/// Units that NVIDIA's Fabric Manager connects by NVLink to each other and cuts off from all others, while it is active.
public struct FabricPartition: Hashable, Sendable, Codable {
    /// Fabric Manager's number of it.
    public var id: Int
    /// Its units, by address.
    public var gpus: [PCIAddress]
    public var isActive: Bool

    public init(id: Int, gpus: [PCIAddress], isActive: Bool) {
        (self.id, self.gpus, self.isActive) = (id, gpus, isActive)
    }

    private enum CodingKeys: String, CodingKey {
        case id
        case gpus
        case isActive = "active"
    }
}
