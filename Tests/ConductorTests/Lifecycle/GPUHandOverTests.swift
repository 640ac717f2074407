// SPDX-License-Identifier: Apache-2.0

import Conductor
import GantryModel
import GantryProtocol
import Postgres
import Testing

@Suite("Whatever happens to hosts, tenants and operators, a GPU has one owner and is clean before the next")
struct GPUHandOverTests {
    private static let tenantTurns = 24
    private static let hostTurns = 60

    @Test("In whatever order, and all of them are free in the end", arguments: [1, 2, 3] as [UInt64])
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
                hosts.append(try await GPUHost("h\(number)", in: cloud, cards: 3, seed: seed * 10 + UInt64(number)))
            }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for host in hosts {
                    group.addTask { for _ in 0..<Self.hostTurns { try await host.turn() } }
                }
                for tenant in 0..<3 {
                    let lifecycle = MachineLifecycle(database: cloud.anotherPool(), outbox: OutboxSignal())
                    group.addTask {
                        try await Self.rent(cloud, lifecycle, [cloud.gpu, one], seed: seed * 100 + UInt64(tenant))
                    }
                }
                group.addTask { try await Self.operate(GPUStore(database: cloud.anotherPool()), seed: seed) }
                for _ in 0..<4 { try await cloud.audit() }
                try await group.waitForAll()
            }
            try await cloud.audit()
            try await settle(cloud, hosts)
            var handOvers = 0
            for host in hosts {
                #expect(await host.mistakes == [])
                handOvers += await host.handOvers
            }
            #expect(handOvers > 5)
            try await cloud.audit()
        }
    }

    /// What a tenant does: makes machines, lets some sleep and wakes them, and deletes them.
    private static func rent(
        _ cloud: Cloud,
        _ lifecycle: MachineLifecycle,
        _ flavors: [FlavorID],
        seed: UInt64
    ) async throws {
        var generator = RepeatableGenerator(seed)
        var mine: [VirtualMachineRecord] = []
        for _ in 0..<tenantTurns {
            let machine = mine.randomElement(using: &generator)
            let operation = [MachineOperation.hibernate, .restore, .stop, .start].randomElement(using: &generator)
            do {
                switch (Int.random(in: 0..<5, using: &generator), machine, operation) {
                case (0..<2, _, _), (_, nil, _):
                    let flavor = flavors.randomElement(using: &generator)
                    mine += try await lifecycle.create(cloud.request(flavor: flavor)).machines
                case (2, let machine?, _):
                    mine.removeAll { $0.id == machine.id }
                    _ = try await lifecycle.perform(.delete, on: machine.id, in: cloud.organization, by: nil)
                case (_, let machine?, let operation?):
                    _ = try await lifecycle.perform(operation, on: machine.id, in: cloud.organization, by: nil)
                default: break
                }
            } catch let refusal as MachineRefusal {
                // Taken, or not in a state for it.
                #expect([.noCapacity, .neverFits, .wrongState, .notFound].contains(refusal.reason), "\(refusal)")
            }
            // Others' turn.
            try await Task.sleep(for: .milliseconds(Int.random(in: 1...20, using: &generator)))
        }
    }

    /// What an operator does.
    private static func operate(_ store: GPUStore, seed: UInt64) async throws {
        var generator = RepeatableGenerator(seed)
        let units = try await store.units().elements.map(\.id)
        for _ in 0..<hostTurns {
            let unit = try #require(units.randomElement(using: &generator))
            do {
                switch Int.random(in: 0..<3, using: &generator) {
                case 0: _ = try await store.cordon(unit, reason: "a look at it")
                case 1: _ = try await store.uncordon(unit)
                default: _ = try await store.retry(unit)
                }
            } catch let refusal as ResourceRefusal {
                #expect(refusal.reason == .wrongState)
            }
            try await Task.sleep(for: .milliseconds(Int.random(in: 1...10, using: &generator)))
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
            for unit in try await store.units().elements {
                _ = try await store.uncordon(unit.id)
                if unit.state == .faulty { _ = try await store.retry(unit.id) }
            }
        }
        #expect(try await cloud.number("SELECT count(*) AS number FROM gpu_device WHERE NOT schedulable") == 0)
        #expect(try await cloud.number("SELECT count(*) AS number FROM virtual_machine WHERE deleted_at IS NULL") == 0)
    }
}
