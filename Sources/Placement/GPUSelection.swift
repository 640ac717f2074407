// SPDX-License-Identifier: Apache-2.0

import GantryModel

/// The devices of one node that a machine would get, and how well they suit it.
struct GPUSelection {
    let devices: [FreeGPU]
    /// How many NUMA nodes they come from.
    let numaNodes: Int
    /// Free devices that stay behind beside them, in the NUMA nodes that they come from; among partitions, how many larger
    /// ones are free as a whole no more.
    let leftBeside: Int

    /// Chooses `count` of a node's free devices. Nil when it cannot give so many.
    init?(count: Int, of node: NodeCandidate) {
        guard node.partitions.isEmpty else {
            self.init(count: count, from: node.gpus, partitions: node.partitions)
            return
        }
        self.init(count: count, from: node.gpus)
    }

    /// Chooses the free partition of that size that breaks the fewest larger ones.
    private init?(count: Int, from free: [FreeGPU], partitions: [Set<PCIAddress>]) {
        let places = Dictionary(free.map { ($0.address, $0) }) { first, _ in first }
        let whole = partitions.filter { $0.allSatisfy { places[$0] != nil } }
        let larger = whole.filter { $0.count > count }
        let choices = whole.filter { $0.count == count }
            .map { partition in
                let devices = partition.compactMap { places[$0] }.sorted { $0.address < $1.address }
                let broken = larger.filter { !$0.isDisjoint(with: partition) }.count
                return (devices: devices, broken: broken, numaNodes: Set(devices.map(\.numaNode)).count)
            }
        let best = choices.min { left, right in
            (left.broken, left.numaNodes, left.devices[0].address)
                < (right.broken, right.numaNodes, right.devices[0].address)
        }
        guard let best else { return nil }
        (devices, numaNodes, leftBeside) = (best.devices, best.numaNodes, best.broken)
    }

    /// Chooses `count` of the free devices: from one NUMA node where one has enough, the fullest that does, so that
    /// larger holes stay whole; else from as few NUMA nodes as possible. Nil when there are not enough.
    init?(count: Int, from free: [FreeGPU]) {
        guard free.count >= count else { return nil }
        let groups = Dictionary(grouping: free, by: \.numaNode).values
            .map { devices in
                devices.sorted { $0.address < $1.address }
            }
        let bySize = groups.sorted { left, right in
            (left.count, left[0].address) < (right.count, right[0].address)
        }
        if let snug = bySize.first(where: { $0.count >= count }) {
            devices = Array(snug.prefix(count))
            (numaNodes, leftBeside) = (1, snug.count - count)
            return
        }
        var (chosen, spanned, seen): ([FreeGPU], Int, Int) = ([], 0, 0)
        for group in bySize.reversed() where chosen.count < count {
            chosen += group.prefix(count - chosen.count)
            (spanned, seen) = (spanned + 1, seen + group.count)
        }
        devices = chosen.sorted { $0.address < $1.address }
        (numaNodes, leftBeside) = (spanned, seen - count)
    }
}
