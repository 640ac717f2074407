// SPDX-License-Identifier: Apache-2.0

import Conductor
import GantryModel
import GantryProtocol
import GantryTestSupport
import Postgres
import Testing

@Suite("Whatever happens to hosts, tenants and operators, a GPU has one owner and is clean before the next")
struct GPUHandOverTests {
    private static let rounds = 30

    @Test("In whatever order, and all of them are free in the end", arguments: [1, 2] as [UInt64])
    func interleavings(seed: UInt64) async throws {
        try await Cloud.with { cloud in
            try await cloud.execute(
                """
                INSERT INTO flavor (region_id, name, vcpus, memory_mib, disk_gib, gpu_type, gpu_count)
                VALUES (\(cloud.region), 'gpu-1', 1, 512, 5, 'H100', 1)
                """
            )
            let one = FlavorID(Int64(try await cloud.number("SELECT id AS number FROM flavor WHERE name = 'gpu-1'")))
            var hosts: [GPUHost] = []
            for number in 1...2 {
                let (name, seed) = ("h\(number)", seed * 10 + UInt64(number))
                hosts.append(try await GPUHost(name, in: cloud, cards: 3, hasFabric: number == 2, seed: seed))
            }
            let tenants = (0..<3).map { Tenant(cloud, flavors: [cloud.gpu, one, one], seed: seed * 100 + UInt64($0)) }
            let owner = Operator(GPUStore(database: cloud.anotherPool()), seed: seed)
            for round in 0..<Self.rounds {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for host in hosts { group.addTask { for _ in 0..<2 { try await host.turn() } } }
                    for tenant in tenants { group.addTask { try await tenant.turn() } }
                    group.addTask { try await owner.turn() }
                    if round % 10 == 0 { try await cloud.audit() }
                    try await group.waitForAll()
                }
            }
            try await cloud.audit()
            try await settle(cloud, hosts)
            var handOvers = 0
            for host in hosts {
                #expect(await host.mistakes == [])
                handOvers += await host.handOvers
            }
            #expect(handOvers > 0)
            try await cloud.audit()
        }
    }

    /// Deletes all, mends all, and waits until nothing is left to do.
    private func settle(_ cloud: Cloud, _ hosts: [GPUHost]) async throws {
        let machines: [VirtualMachineID] = try await cloud.database.read { transaction in
            try transaction.query("SELECT id FROM virtual_machine WHERE phase NOT IN ('deleting', 'deleted')")
                .map { try $0["id"] }
        }
        for machine in machines {
            _ = try await cloud.lifecycle.perform(.delete, on: machine, in: cloud.organization, by: nil)
        }
        let store = GPUStore(database: cloud.database)
        for _ in 0..<6 {
            for host in hosts { try await host.recover() }
            let units = try await store.units().elements
            for unit in units where unit.cordoned { _ = try await store.uncordon(unit.id) }
            for unit in units where unit.state == .faulty && !unit.isReturned { _ = try await store.retry(unit.id) }
            if units.allSatisfy({ $0.state == .free && !$0.cordoned }) { break }
        }
        #expect(try await cloud.number("SELECT count(*) AS number FROM gpu_device WHERE NOT schedulable") == 0)
        #expect(try await cloud.number("SELECT count(*) AS number FROM virtual_machine WHERE deleted_at IS NULL") == 0)
    }
}

/// Makes machines at a conductor of its own, lets some sleep and wakes them, and deletes them.
private actor Tenant {
    private let cloud: Cloud
    private let lifecycle: MachineLifecycle
    private let flavors: [FlavorID]
    private var machines: [VirtualMachineRecord] = []
    private var generator: RepeatableGenerator

    init(_ cloud: Cloud, flavors: [FlavorID], seed: UInt64) {
        (self.cloud, self.flavors) = (cloud, flavors)
        lifecycle = MachineLifecycle(database: cloud.anotherPool(), outbox: OutboxSignal())
        generator = RepeatableGenerator(seed)
    }

    func turn() async throws {
        do {
            switch Int.random(in: 0..<6, using: &generator) {
            case 0..<3:
                let flavor = flavors.randomElement(using: &generator)
                machines += try await lifecycle.create(cloud.request(flavor: flavor)).machines
            case 3..<5:
                machines.shuffle(using: &generator)
                if let machine = machines.popLast() { try await perform(.delete, machine) }
            default:
                let operations = [MachineOperation.hibernate, .restore, .stop, .start]
                guard let machine = machines.randomElement(using: &generator),
                    let operation = operations.randomElement(using: &generator)
                else { return }
                try await perform(operation, machine)
            }
        } catch let refusal as MachineRefusal {
            // All are taken, it is not in a state for that, or something else is under way.
            #expect([.noCapacity, .wrongState, .conflict].contains(refusal.reason), "\(refusal)")
        }
    }

    private func perform(_ operation: MachineOperation, _ machine: VirtualMachineRecord) async throws {
        _ = try await lifecycle.perform(operation, on: machine.id, in: cloud.organization, by: nil)
    }
}

/// Keeps GPUs from machines, lets machines have them again, and has them cleaned anew.
private actor Operator {
    private let store: GPUStore
    private var generator: RepeatableGenerator

    init(_ store: GPUStore, seed: UInt64) {
        (self.store, generator) = (store, RepeatableGenerator(seed))
    }

    func turn() async throws {
        let unit = try #require(try await store.units().elements.randomElement(using: &generator)).id
        do {
            switch Int.random(in: 0..<7, using: &generator) {
            case 6: _ = try await store.returnToHost(unit, reason: "its firmware")
            case 0: _ = try await store.cordon(unit, reason: "a look at it")
            case 1...3: _ = try await store.uncordon(unit)
            default: _ = try await store.retry(unit)
            }
        } catch let refusal as ResourceRefusal {
            #expect(refusal.reason == .wrongState)
        }
    }
}
