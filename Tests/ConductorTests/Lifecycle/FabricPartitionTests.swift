// SPDX-License-Identifier: Apache-2.0

import Conductor
import GantryModel
import GantryProtocol
import Postgres
import Testing

@Suite("Where Fabric Manager connects GPUs, a machine has one of its partitions, whole")
struct FabricPartitionTests {
    private let units: [GPUInventory]

    init() throws {
        units = try (1...8).map { try GPUInventory.example($0, numaNode: $0 > 4 ? 1 : 0) }
    }

    private func node(_ name: String, in cloud: Cloud) async throws -> SpeakingNode {
        try await SpeakingNode(
            name,
            in: cloud,
            gpus: units,
            fabricPartitions: FabricPartition.examples(of: units.map(\.address))
        )
    }

    private func flavor(_ count: Int, in cloud: Cloud) async throws -> FlavorID {
        try await cloud.execute(
            """
            INSERT INTO flavor (region_id, name, vcpus, memory_mib, disk_gib, gpu_type, gpu_count)
            VALUES (\(cloud.region), \("n\(count)"), 1, 512, 5, 'H100', \(count))
            """
        )
        let name = "n\(count)"
        return FlavorID(Int64(try await cloud.number("SELECT id AS number FROM flavor WHERE name = \(name)")))
    }

    /// The numbers of the buses of a machine's units.
    private func buses(_ machine: VirtualMachineRecord, in cloud: Cloud) async throws -> [UInt8] {
        try await cloud.task(machine).spec?.gpus.map(\.address.bus).sorted() ?? []
    }

    private func refusal(_ flavor: FlavorID, in cloud: Cloud) async throws -> MachineRefusal {
        try #require(
            await #expect(throws: MachineRefusal.self) { try await cloud.createOne(cloud.request(flavor: flavor)) }
        )
    }

    @Test("What breaks the fewest larger ones comes first, and a refusal says which sizes there are")
    func sizes() async throws {
        try await Cloud.with { cloud in
            let node = try await node("hgx", in: cloud)
            var flavors: [Int: FlavorID] = [:]
            for count in [1, 2, 3, 4, 8] { flavors[count] = try await flavor(count, in: cloud) }
            func create(_ count: Int) async throws -> (VirtualMachineRecord, [UInt8]) {
                let machine = try await cloud.createOne(cloud.request(flavor: flavors[count]))
                return (machine, try await buses(machine, in: cloud))
            }
            let (all, eight) = try await create(8)
            #expect(eight == Array(1...8))
            try await cloud.perform(.delete, all)
            try await node.converge()
            try await node.clean()
            let (first, one) = try await create(1)
            #expect(one == [1])
            #expect(try await create(4).1 == [5, 6, 7, 8])
            #expect(try await create(1).1 == [2])
            let full = try await refusal(try #require(flavors[4]), in: cloud)
            #expect(full.reason == .noCapacity)
            #expect(full.message.contains("too few free GPUs: 1"), "\(full)")
            try await cloud.perform(.delete, first)
            try await node.converge()
            try await node.clean()
            #expect(try await create(2).1 == [3, 4])
            let never = try await refusal(try #require(flavors[3]), in: cloud)
            #expect(never.reason == .neverFits)
            let sizes = "Nodes with NVSwitches give 1, 2, 4 or 8 of them to a machine."
            #expect(never.message.hasSuffix(sizes), "\(never)")
            try await cloud.audit()
        }
    }

    @Test("Free GPUs that are no partition are counted as that, and a node where they are one is found behind others")
    func scattered() async throws {
        try await Cloud.with { cloud in
            _ = try await node("one", in: cloud)
            try await cloud.execute(
                "UPDATE gpu_device SET cordoned = true WHERE address IN ('0000:01:00.0', '0000:03:00.0', '0000:06:00.0')"
            )
            let four = try await flavor(4, in: cloud)
            let refused = try await refusal(four, in: cloud)
            #expect(refused.reason == .noCapacity)
            #expect(refused.message.contains("no free partition of so many GPUs: 1."), "\(refused)")
            _ = try await node("two", in: cloud)
            let machine = try await cloud.createOne(cloud.request(flavor: four))
            #expect(try await buses(machine, in: cloud) == [1, 2, 3, 4])
            let store = GPUStore(database: cloud.database)
            let records = try await store.units(ListQuery(), GPUFilter(machine: machine.id))
            #expect(Set(records.elements.map(\.node.description)) == ["two"])
        }
    }

    @Test("Conductors that place at once give no GPU twice, and no part of a partition", arguments: 1...3)
    func concurrency(_ round: Int) async throws {
        try await Cloud.with { cloud in
            _ = try await node("hgx", in: cloud)
            var flavors: [FlavorID] = []
            for count in [1, 2, 4] { flavors.append(try await flavor(count, in: cloud)) }
            // From another of them in each round.
            let order = (0..<9).map { [flavors] index in flavors[(index + round) % 3] }
            let made = try await withThrowingTaskGroup(of: VirtualMachineRecord?.self) { group in
                for flavor in order {
                    group.addTask {
                        let lifecycle = MachineLifecycle(database: cloud.anotherPool(), outbox: OutboxSignal())
                        do {
                            return try await lifecycle.create(cloud.request(flavor: flavor)).machines.first
                        } catch let refusal as MachineRefusal {
                            #expect([.noCapacity, .conflict].contains(refusal.reason), "\(refusal)")
                            return nil
                        }
                    }
                }
                return try await group.reduce(into: [VirtualMachineRecord]()) { made, machine in
                    if let machine { made.append(machine) }
                }
            }
            #expect(made.count > 1)
            let partitions = Set(FabricPartition.examples(of: units.map(\.address)).map { $0.gpus.map(\.bus) })
            var taken: [UInt8] = []
            for machine in made {
                let buses = try await buses(machine, in: cloud)
                #expect(partitions.contains(buses))
                taken += buses
            }
            #expect(Set(taken).count == taken.count)
            try await cloud.audit()
        }
    }

    @Test("Operators see which partitions there are and which are active, as the node says it now")
    func inventory() async throws {
        try await Cloud.with { cloud in
            let node = try await node("hgx", in: cloud)
            let store = GPUStore(database: cloud.database)
            func partitions() async throws -> [GPURecord.Partition] {
                try #require(try await store.units().elements.first).partitions
            }
            #expect(try await partitions().map(\.size) == [8, 4, 2, 1])
            #expect(try await partitions().allSatisfy { !$0.active })
            var inventory = await node.inventory
            inventory.fabricPartitions[1].isActive = true
            inventory.fabricPartitions.removeLast(8)
            await node.set(inventory)
            try await node.report(withInventory: true)
            #expect(try await partitions().map(\.active) == [false, true, false])
            inventory.fabricPartitions = []
            await node.set(inventory)
            try await node.openSession()
            #expect(try await partitions().isEmpty)
            // Without Fabric Manager any GPUs go together.
            let three = try await flavor(3, in: cloud)
            #expect(try await buses(cloud.createOne(cloud.request(flavor: three)), in: cloud).count == 3)
        }
    }

    @Test("Stocks and flavors count partitions")
    func stocks() async throws {
        try await Cloud.with { cloud in
            _ = try await node("hgx", in: cloud)
            let (one, three) = (try await flavor(1, in: cloud), try await flavor(3, in: cloud))
            let store = StockStore(database: cloud.database)
            func stock() async throws -> [Int] {
                let stock = try #require(try await store.freeGPUs().first)
                return [1, 2, 3, 4, 8].map { stock.machines(with: $0) }
            }
            #expect(try await stock() == [8, 4, 0, 2, 1])
            _ = try await cloud.createOne(cloud.request(flavor: one))
            #expect(try await stock() == [7, 3, 0, 1, 0])
            let offers = try await FlavorStore(database: cloud.database).offers(region: nil)
            let available = Dictionary(uniqueKeysWithValues: offers.map { ($0.flavor.id, $0.isAvailable) })
            #expect((available[one], available[three]) == (true, false))
        }
    }
}
