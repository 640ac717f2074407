// SPDX-License-Identifier: Apache-2.0

public import GantryModel

/// What one virtual machine asks of the node it is placed on.
public struct PlacementRequest: Hashable, Sendable {
    public let resources: Resources
    /// Nil for a machine without GPUs.
    public let gpus: GPURequest?

    public init(resources: Resources, gpus: GPURequest?) {
        (self.resources, self.gpus) = (resources, gpus)
    }
}

/// A number of GPUs of one type.
public struct GPURequest: Hashable, Sendable {
    public let type: String
    /// At least 1.
    public let count: Int

    /// Nil when nothing is asked for: no type, or none of it.
    public init?(type: String, count: Int) {
        guard !type.isEmpty, count > 0 else { return nil }
        (self.type, self.count) = (type, count)
    }
}

/// A node that new machines may go to, with what it had left when it was read.
public struct NodeCandidate: Hashable, Sendable {
    public let id: NodeID
    public let free: Resources
    /// Whether the node has devices at all, free or not.
    public let hasGPU: Bool
    /// The free devices of the type that is asked for.
    public let gpus: [FreeGPU]
    /// The sets of devices that can be connected to each other, free or not. Where there are some, a machine gets one of
    /// them, whole.
    public let partitions: [Set<PCIAddress>]

    public init(
        id: NodeID,
        free: Resources,
        hasGPU: Bool,
        gpus: [FreeGPU] = [],
        partitions: [Set<PCIAddress>] = []
    ) {
        (self.id, self.free, self.hasGPU) = (id, free, hasGPU)
        (self.gpus, self.partitions) = (gpus, partitions)
    }
}

/// A device that no machine has.
public struct FreeGPU: Hashable, Sendable {
    public let id: GPUID
    public let address: PCIAddress
    /// Nil where the host does not say; such devices count as near each other.
    public let numaNode: Int?

    public init(id: GPUID, address: PCIAddress, numaNode: Int?) {
        (self.id, self.address, self.numaNode) = (id, address, numaNode)
    }
}

/// Where a machine may go, and with which devices.
public struct NodeChoice: Hashable, Sendable {
    public let node: NodeID
    /// In the order of their PCI addresses; empty when none were asked for.
    public let gpus: [GPUID]

    public init(node: NodeID, gpus: [GPUID]) {
        (self.node, self.gpus) = (node, gpus)
    }
}
