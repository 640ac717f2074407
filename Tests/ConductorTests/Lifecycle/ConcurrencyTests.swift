// SPDX-License-Identifier: Apache-2.0

import Conductor
import GantryModel
import GantryProtocol
import Postgres
import Testing

@Suite("Several conductors on one database")
struct ConcurrencyTests {
    /// What one client does: creates and deletes until its turns are over.
    private func work(
        _ cloud: Cloud,
        _ lifecycle: MachineLifecycle,
        turns: Int
    ) async throws -> (made: Int, refused: Int) {
        var (mine, made, refused): ([VirtualMachineRecord], Int, Int) = ([], 0, 0)
        for turn in 0..<turns {
            var request = cloud.request(count: turn % 5 == 4 ? 3 : 1, flavor: turn % 3 == 0 ? cloud.gpu : cloud.small)
            request.assignFloatingIP = turn % 2 == 0
            do {
                mine += try await lifecycle.create(request).machines
                made += 1
            } catch let refusal as MachineRefusal {
                #expect([.noCapacity, .noFloatingIP, .noPrivateAddress].contains(refusal.reason))
                refused += 1
            }
            if turn % 2 == 1, let machine = mine.popLast() {
                _ = try await lifecycle.perform(.delete, on: machine.id, in: cloud.organization, by: nil)
            }
        }
        for machine in mine {
            _ = try await lifecycle.perform(.delete, on: machine.id, in: cloud.organization, by: nil)
        }
        return (made, refused)
    }

    @Test("Creates and deletes of three conductors never overcommit, never share, and end with nothing left")
    func noOvercommit() async throws {
        try await Cloud.with(subnet: "10.1.0.0/26", pool: "203.0.113.0/28") { cloud in
            var nodes: [SpeakingNode] = []
            for number in 0..<4 {
                let gpus = try (1...4).map { try GPUInventory.example($0, numaNode: $0 / 3) }
                nodes.append(
                    try await SpeakingNode(
                        "node-\(number)",
                        in: cloud,
                        total: Resources(vcpus: 5, memoryMiB: 4096, diskGiB: 40),
                        gpus: number < 2 ? gpus : []
                    )
                )
            }
            let conductors = (0..<3)
                .map { _ in
                    MachineLifecycle(database: cloud.anotherPool(), outbox: OutboxSignal())
                }
            let agents = nodes.map { node in
                Task {
                    while !Task.isCancelled {
                        try await node.converge()
                        try await node.clean()
                        // A pace, so that the agents leave the machine to what is tested.
                        try await Task.sleep(for: .milliseconds(20))
                    }
                }
            }
            let counts = try await withThrowingTaskGroup(of: (made: Int, refused: Int).self) { group in
                for client in 0..<9 {
                    group.addTask { try await work(cloud, conductors[client % 3], turns: 10) }
                }
                for _ in 0..<8 { try await cloud.audit() }
                return try await group.reduce(into: (made: 0, refused: 0)) { total, one in
                    total = (total.made + one.made, total.refused + one.refused)
                }
            }
            for agent in agents { agent.cancel() }
            for agent in agents { try? await agent.value }
            #expect(counts.made + counts.refused == 9 * 10)
            #expect(counts.made > 9)
            for node in nodes {
                try await node.converge()
                try await node.clean()
            }
            try await cloud.audit()
            #expect(
                try await cloud.number("SELECT count(*) AS number FROM virtual_machine WHERE deleted_at IS NULL") == 0
            )
            #expect(try await cloud.number("SELECT coalesce(sum(allocated_vcpus), 0) AS number FROM compute_node") == 0)
            #expect(try await cloud.number("SELECT count(*) AS number FROM gpu_device WHERE state <> 'free'") == 0)
            #expect(
                try await cloud.number("SELECT count(*) AS number FROM private_address WHERE vm_id IS NOT NULL") == 0
            )
        }
    }

    @Test("Many requests for the last place: exactly as many get it as there are, each other is told at once")
    func lastPlaces() async throws {
        try await Cloud.with { cloud in
            for number in 0..<3 {
                try await cloud.addNode("n\(number)", Resources(vcpus: 2, memoryMiB: 65536, diskGiB: 1000))
            }
            let conductors = (0..<3)
                .map { _ in
                    MachineLifecycle(database: cloud.anotherPool(), outbox: OutboxSignal())
                }
            let made = await withTaskGroup(of: Bool.self) { group in
                for client in 0..<24 {
                    group.addTask {
                        do {
                            _ = try await conductors[client % 3].create(cloud.request())
                            return true
                        } catch {
                            #expect((error as? MachineRefusal)?.reason == .noCapacity, "\(error)")
                            return false
                        }
                    }
                }
                return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
            }
            #expect(made == 6)
            try await cloud.audit()
        }
    }

    @Test("Of conflicting operations on one machine exactly one wins, and each other is told of the conflict")
    func conflictingOperations() async throws {
        try await Cloud.with { cloud in
            let node = try await SpeakingNode("one", in: cloud)
            let machine = try await cloud.createOne()
            let conductors = (0..<3)
                .map { _ in
                    MachineLifecycle(database: cloud.anotherPool(), outbox: OutboxSignal())
                }
            for _ in 0..<6 {
                try await node.converge()
                let generation = try #require(try await cloud.now(machine)).generation
                let won = await withTaskGroup(of: MachineOperation?.self) { group in
                    for client in 0..<12 {
                        let operation = [MachineOperation.stop, .hardReboot, .hibernate][client / 3 % 3]
                        group.addTask {
                            do {
                                _ = try await conductors[client % 3]
                                    .perform(operation, on: machine.id, in: cloud.organization, by: nil)
                                return operation
                            } catch {
                                #expect((error as? MachineRefusal)?.reason == .conflict, "\(error)")
                                return nil
                            }
                        }
                    }
                    return await group.reduce(into: []) { won, operation in won += [operation].compactMap { $0 } }
                }
                #expect(won.count == 1)
                #expect(try await cloud.now(machine)?.generation == generation.next)
                try await node.converge()
                if won == [.stop] { try await cloud.perform(.start, machine) }
                if won == [.hibernate] { try await cloud.perform(.restore, machine) }
                try await cloud.audit()
            }
        }
    }
}
