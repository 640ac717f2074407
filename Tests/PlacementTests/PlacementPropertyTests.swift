// SPDX-License-Identifier: Apache-2.0

import GantryModel
import GantryTestSupport
import Placement
import Testing

@Suite("Placement, whatever the nodes are")
struct PlacementPropertyTests {
    /// One random room of hosts with what is asked of it.
    private struct Case {
        let request: PlacementRequest
        let candidates: [NodeCandidate]
        let seeds: [PlacementSeed]

        init(_ number: UInt64) throws {
            var random = RepeatableGenerator(number)
            let wantsGPU = Bool.random(using: &random)
            request = PlacementRequest(
                resources: Resources(
                    vcpus: .random(in: 1...8, using: &random),
                    memoryMiB: 1024 * .random(in: 1...16, using: &random),
                    diskGiB: .random(in: 1...100, using: &random)
                ),
                gpus: wantsGPU ? GPURequest(type: "H100", count: .random(in: 1...4, using: &random)) : nil
            )
            var row: Int64 = 0
            candidates = try (1...Int64.random(in: 1...12, using: &random))
                .map { id in
                    let count = Int.random(in: 0...8, using: &random)
                    let devices = try Examples.gpus(
                        (0..<count)
                            .map { _ in
                                row += 1
                                return (row, .random(in: 0...1, using: &random))
                            }
                    )
                    return NodeCandidate(
                        id: NodeID(id),
                        free: Resources(
                            vcpus: .random(in: 0...32, using: &random),
                            memoryMiB: 1024 * .random(in: 0...64, using: &random),
                            diskGiB: .random(in: 0...400, using: &random)
                        ),
                        hasGPU: count > 0,
                        gpus: devices,
                        partitions: Bool.random(using: &random) ? [] : Examples.partitions(of: devices.map(\.address))
                    )
                }
            seeds = Examples.uuids(.random(in: 1...10, using: &random), seed: number).map(PlacementSeed.init)
        }

        /// Whether a node that has these devices left can give what is asked for.
        func canGive(_ devices: [FreeGPU], _ node: NodeCandidate) -> Bool {
            guard let count = request.gpus?.count else { return true }
            guard !node.partitions.isEmpty else { return devices.count >= count }
            return node.partitions.contains { $0.count == count && $0.isSubset(of: devices.map(\.address)) }
        }

        func node(_ id: NodeID) -> NodeCandidate? { candidates.first { $0.id == id } }
    }

    @Test("No plan takes more of a node than it has, nor a device twice", arguments: 0..<200 as Range<UInt64>)
    func neverOvercommits(number: UInt64) throws {
        let example = try Case(number)
        let plan = Placement.plan(for: example.request, among: example.candidates, seeds: example.seeds)
        for (id, choices) in Dictionary(grouping: plan, by: \.node) {
            let node = try #require(example.node(id))
            let used = choices.reduce(Resources.zero) { total, _ in total + example.request.resources }
            #expect(node.free.covers(used))
            let devices = choices.flatMap(\.gpus)
            #expect(Set(devices).count == devices.count)
            #expect(Set(devices).isSubset(of: Set(node.gpus.map(\.id))))
            #expect(choices.allSatisfy { $0.gpus.count == example.request.gpus?.count ?? 0 })
            guard !node.partitions.isEmpty, example.request.gpus != nil else { continue }
            let addresses = Dictionary(uniqueKeysWithValues: node.gpus.map { ($0.id, $0.address) })
            #expect(choices.allSatisfy { node.partitions.contains(Set($0.gpus.compactMap { addresses[$0] })) })
        }
    }

    @Test("A plan ends early only when nothing is left that fits", arguments: 0..<200 as Range<UInt64>)
    func complete(number: UInt64) throws {
        let example = try Case(number)
        let plan = Placement.plan(for: example.request, among: example.candidates, seeds: example.seeds)
        guard plan.count < example.seeds.count else { return }
        for node in example.candidates {
            let taken = plan.filter { $0.node == node.id }
            let left = taken.reduce(node.free) { rest, _ in rest - example.request.resources }
            let devicesLeft = node.gpus.filter { device in !taken.contains { $0.gpus.contains(device.id) } }
            #expect(!left.covers(example.request.resources) || !example.canGive(devicesLeft, node))
        }
    }

    @Test("Every node that fits is a choice, once, and no other is", arguments: 0..<200 as Range<UInt64>)
    func choicesAreTheFittingNodes(number: UInt64) throws {
        let example = try Case(number)
        let choices = Placement.choices(for: example.request, among: example.candidates, seed: example.seeds[0])
        let fitting = example.candidates.filter { node in
            node.free.covers(example.request.resources) && example.canGive(node.gpus, node)
        }
        #expect(choices.map(\.node).sorted() == fitting.map(\.id).sorted())
    }
}
