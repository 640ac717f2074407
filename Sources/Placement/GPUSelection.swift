// SPDX-License-Identifier: Apache-2.0

import GantryModel

/// The devices of one node that a machine would get, and how well they suit it.
struct GPUSelection {
    let devices: [FreeGPU]
    /// How many NUMA nodes they come from.
    let numaNodes: Int
    /// Free devices that stay behind beside them, in the NUMA nodes that they come from.
    let leftBeside: Int

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
