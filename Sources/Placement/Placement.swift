// SPDX-License-Identifier: Apache-2.0

import GantryModel

/// Which node, and which of its GPUs.
///
/// The answer is a wish: what was read may have changed, so the claim in the database decides, and the next choice or
/// a new look follows when it refuses.
public enum Placement {
    /// The nodes that can take the machine, best first.
    ///
    /// A machine without GPUs goes to a host without GPUs while one fits. A machine with GPUs goes where they are on
    /// one NUMA node, then where the fewest of their type stay behind, and then where the fewest larger partitions are broken. Among equals the seed decides.
    public static func choices(
        for request: PlacementRequest,
        among candidates: [NodeCandidate],
        seed: PlacementSeed
    ) -> [NodeChoice] {
        candidates
            .compactMap { RankedChoice(request, $0, seed) }
            .sorted()
            .map(\.choice)
    }

    /// Places several equal machines one after the other, each on what the earlier ones left.
    ///
    /// - Returns: one choice for each seed, in order. It ends early at the first machine that fits nowhere.
    public static func plan(
        for request: PlacementRequest,
        among candidates: [NodeCandidate],
        seeds: [PlacementSeed]
    ) -> [NodeChoice] {
        var remaining = Dictionary(candidates.map { ($0.id, $0) }) { first, _ in first }
        var plan: [NodeChoice] = []
        for seed in seeds {
            guard let choice = choices(for: request, among: Array(remaining.values), seed: seed).first else { break }
            remaining[choice.node] = remaining[choice.node]?.taking(request.resources, choice.gpus)
            plan.append(choice)
        }
        return plan
    }
}

/// A choice with what orders it among others.
private struct RankedChoice: Comparable {
    let choice: NodeChoice
    private let onGPUHost: Bool
    private let numaNodes: Int
    private let gpusLeft: Int
    private let gpusLeftBeside: Int
    private let rank: UInt64

    init?(_ request: PlacementRequest, _ candidate: NodeCandidate, _ seed: PlacementSeed) {
        guard candidate.free.covers(request.resources) else { return nil }
        rank = seed.rank(of: candidate.id)
        guard let wanted = request.gpus else {
            choice = NodeChoice(node: candidate.id, gpus: [])
            (onGPUHost, numaNodes, gpusLeft, gpusLeftBeside) = (candidate.hasGPU, 0, 0, 0)
            return
        }
        guard let selection = GPUSelection(count: wanted.count, of: candidate) else { return nil }
        choice = NodeChoice(node: candidate.id, gpus: selection.devices.map(\.id))
        onGPUHost = true
        numaNodes = selection.numaNodes
        gpusLeft = candidate.gpus.count - wanted.count
        gpusLeftBeside = selection.leftBeside
    }

    static func < (left: Self, right: Self) -> Bool {
        if left.onGPUHost != right.onGPUHost { return right.onGPUHost }
        return (left.numaNodes, left.gpusLeft, left.gpusLeftBeside, left.rank, left.choice.node)
            < (right.numaNodes, right.gpusLeft, right.gpusLeftBeside, right.rank, right.choice.node)
    }
}

extension NodeCandidate {
    /// What is left of it after a machine was placed.
    fileprivate func taking(_ resources: Resources, _ taken: [GPUID]) -> NodeCandidate {
        NodeCandidate(
            id: id,
            free: free - resources,
            hasGPU: hasGPU,
            gpus: gpus.filter { !taken.contains($0.id) },
            partitions: partitions
        )
    }
}
