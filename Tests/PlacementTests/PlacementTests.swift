// SPDX-License-Identifier: Apache-2.0

import GantryModel
import Testing

@testable import Placement

@Suite("Placement")
struct PlacementTests {
    private let small = PlacementRequest(resources: Resources(vcpus: 1, memoryMiB: 512, diskGiB: 5), gpus: nil)

    @Test("A machine without GPUs goes to a GPU host only when nothing else fits")
    func gpuHostsLast() {
        let room = Resources(vcpus: 8, memoryMiB: 8192, diskGiB: 100)
        let full = Resources(vcpus: 0, memoryMiB: 8192, diskGiB: 100)
        for uuid in Examples.uuids(50) {
            let seed = PlacementSeed(uuid)
            let both = [
                NodeCandidate(id: NodeID(1), free: room, hasGPU: true),
                NodeCandidate(id: NodeID(2), free: room, hasGPU: false),
            ]
            #expect(Placement.choices(for: small, among: both, seed: seed).map(\.node) == [NodeID(2), NodeID(1)])
            let onlyGPU = [both[0], NodeCandidate(id: NodeID(2), free: full, hasGPU: false)]
            #expect(Placement.choices(for: small, among: onlyGPU, seed: seed).map(\.node) == [NodeID(1)])
        }
    }

    @Test("GPUs come from one NUMA node, and from the fullest that has enough")
    func oneNUMANode() throws {
        let free = try Examples.gpus([(1, 0), (2, 0), (3, 0), (4, 0), (5, 1), (6, 1), (7, 1)])
        #expect(GPUSelection(count: 2, from: free)?.devices.map(\.id.rawValue) == [5, 6])
        #expect(GPUSelection(count: 4, from: free)?.devices.map(\.id.rawValue) == [1, 2, 3, 4])
        let spread = GPUSelection(count: 5, from: free)
        #expect(spread?.numaNodes == 2)
        #expect(spread?.devices.map(\.id.rawValue) == [1, 2, 3, 4, 5])
        #expect(GPUSelection(count: 8, from: free) == nil)
    }

    @Test("Where GPUs are connected by partitions, a machine gets a free one that breaks the fewest larger ones")
    func partitions() throws {
        let all = try Examples.gpus((1...8).map { ($0, $0 > 4 ? 1 : 0) })
        let partitions = Examples.partitions(of: all.map(\.address))
        func choice(_ count: Int, taken: Set<Int64> = []) -> [Int64]? {
            let free = all.filter { !taken.contains($0.id.rawValue) }
            let node = NodeCandidate(id: NodeID(1), free: .zero, hasGPU: true, gpus: free, partitions: partitions)
            return GPUSelection(count: count, of: node)?.devices.map(\.id.rawValue)
        }
        #expect(choice(8) == [1, 2, 3, 4, 5, 6, 7, 8])
        #expect(choice(4) == [1, 2, 3, 4] && choice(2) == [1, 2] && choice(1) == [1])
        #expect([3, 5, 6, 7, 9].allSatisfy { choice($0) == nil })
        // The rest of a broken pair first, then the rest of a broken half.
        #expect(choice(1, taken: [6]) == [5] && choice(2, taken: [5, 6]) == [7, 8])
        #expect(choice(4, taken: [6]) == [1, 2, 3, 4] && choice(4, taken: [1, 6]) == nil)
        #expect(choice(2, taken: [1, 3, 5, 7]) == nil && choice(8, taken: [8]) == nil)
    }

    @Test("A node that gives the GPUs from one NUMA node comes before one that leaves fewer behind")
    func numaBeforeFragmentation() throws {
        let request = PlacementRequest(resources: small.resources, gpus: GPURequest(type: "A100", count: 2))
        let room = Resources(vcpus: 8, memoryMiB: 8192, diskGiB: 100)
        let split = NodeCandidate(id: NodeID(1), free: room, hasGPU: true, gpus: try Examples.gpus([(1, 0), (2, 1)]))
        let near = NodeCandidate(
            id: NodeID(2),
            free: room,
            hasGPU: true,
            gpus: try Examples.gpus([(3, 0), (4, 0), (5, 0), (6, 1)])
        )
        let snug = NodeCandidate(id: NodeID(3), free: room, hasGPU: true, gpus: try Examples.gpus([(7, 0), (8, 0)]))
        for uuid in Examples.uuids(20) {
            let choices = Placement.choices(for: request, among: [split, near, snug], seed: PlacementSeed(uuid))
            #expect(choices.map(\.node.rawValue) == [3, 2, 1])
        }
    }

    @Test("Seeds spread machines over equal nodes, and one seed always chooses the same")
    func seedsSpread() {
        let room = Resources(vcpus: 64, memoryMiB: 65536, diskGiB: 1000)
        let nodes = (1...10).map { NodeCandidate(id: NodeID($0), free: room, hasGPU: false) }
        var firsts: [NodeID: Int] = [:]
        for uuid in Examples.uuids(1000) {
            let choices = Placement.choices(for: small, among: nodes, seed: PlacementSeed(uuid))
            let again = Placement.choices(for: small, among: nodes.reversed(), seed: PlacementSeed(uuid))
            #expect(choices == again)
            firsts[choices[0].node, default: 0] += 1
        }
        #expect(firsts.count == 10)
        #expect(firsts.values.allSatisfy { (50...180).contains($0) })
    }

    @Test("Ring points are spread over all of the ring")
    func ringPoints() {
        let points = Examples.uuids(1000).map { PlacementSeed($0).ringPoint }
        #expect(points.allSatisfy { $0 >= 0 })
        let quarters = Dictionary(grouping: points) { $0 / (Int32.max / 4 + 1) }
        #expect(quarters.count == 4)
        #expect(quarters.values.allSatisfy { (180...320).contains($0.count) })
    }
}
