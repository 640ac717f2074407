// SPDX-License-Identifier: Apache-2.0

import Conductor
import GantryModel
import GantryProtocol
import Postgres
import Testing

@Suite("Inventories and sessions of nodes")
struct InventoryTests {
    private func states(_ cloud: Cloud) async throws -> [String] {
        try await cloud.database.read { transaction in
            try transaction.query("SELECT state FROM gpu_device ORDER BY address").map { try $0["state"] }
        }
    }

    @Test("A GPU is free once its node cleaned it after its newest claim; a lost or busy one never is")
    func gpuLife() async throws {
        try await Cloud.with { cloud in
            let node = try await SpeakingNode("one", in: cloud, gpus: [.example(1), .example(2), .example(3, .busy)])
            #expect(try await states(cloud) == ["free", "free", "sanitizing"])
            let machine = try await cloud.createOne(cloud.request(flavor: cloud.gpu))
            #expect(try await states(cloud) == ["allocated", "allocated", "sanitizing"])
            #expect(try await cloud.task(machine).spec?.gpus.map(\.address.bus) == [1, 2])
            #expect(try await cloud.task(machine).spec?.gpus.map(\.claim) == [2, 2])
            var inventory = await node.inventory
            let before = inventory
            inventory.gpus = [inventory.gpus[0], try .example(3, .faulty, claim: 1)]
            await node.set(inventory)
            try await node.report(withInventory: true)
            #expect(try await states(cloud) == ["allocated", "allocated", "faulty"])
            try await cloud.audit()
            try await cloud.perform(.delete, machine)
            try await node.converge()
            #expect(try await states(cloud) == ["sanitizing", "sanitizing", "faulty"])
            // Cleaned, but before the machine had it.
            try await node.report(withInventory: true)
            #expect(try await states(cloud) == ["sanitizing", "sanitizing", "faulty"])
            let unclean = UncleanGPU(address: try PCIAddress("0000:01:00.0"), claim: 2)
            #expect(try await node.report().uncleanGPUs == [unclean])
            try await node.clean()
            #expect(try await states(cloud) == ["free", "sanitizing", "faulty"])
            inventory.gpus = [before.gpus[0], before.gpus[1], try .example(3)]
            inventory.gpus[0].claim = 2
            await node.set(inventory)
            try await node.report(withInventory: true)
            #expect(try await states(cloud) == ["free", "sanitizing", "sanitizing"])
            try await node.clean()
            #expect(try await states(cloud) == ["free", "free", "free"])
            try await cloud.audit()
        }
    }

    @Test("A machine that never reached its node leaves its GPUs to be cleaned, and a lost receipt is told again")
    func neverThere() async throws {
        try await Cloud.with { cloud in
            let node = try await SpeakingNode("one", in: cloud, gpus: [.example(1), .example(2)])
            let machine = try await cloud.createOne(cloud.request(flavor: cloud.gpu))
            try await cloud.perform(.delete, machine)
            let absent = try #require(try await node.desired()).machines.map { $0.done() }
            let told = try await node.report(absent).uncleanGPUs
            #expect(told.map(\.claim) == [2, 2])
            #expect(try await node.report().uncleanGPUs == told)
            try await node.report(withInventory: true)
            #expect(try await node.report().uncleanGPUs == told)
            try await node.clean()
            #expect(try await node.report().uncleanGPUs == [])
            #expect(try await states(cloud) == ["free", "free"])
            try await cloud.audit()
        }
    }

    @Test("A node that lost its ledger, and one that is new to the database, clean before anything is handed out")
    func lostLedger() async throws {
        try await Cloud.with { cloud in
            let node = try await SpeakingNode("one", in: cloud, gpus: [.example(1), .example(2, claim: 7)])
            #expect(try await cloud.number("SELECT max(claim) AS number FROM gpu_device WHERE state = 'free'") == 8)
            var inventory = await node.inventory
            inventory.gpus = try [.example(1, .busy), .example(2, .busy)]
            await node.set(inventory)
            try await node.openSession()
            #expect(try await states(cloud) == ["sanitizing", "sanitizing"])
            #expect(try await node.report().uncleanGPUs.map(\.claim) == [2, 9])
            try await cloud.audit()
        }
    }

    @Test("Who gets none reads what those of the type are doing, and stocks and flavors say the same")
    func shortage() async throws {
        try await Cloud.with { cloud in
            let node = try await SpeakingNode("one", in: cloud, gpus: try (1...6).map { try .example($0) })
            let machine = try await cloud.createOne(cloud.request(flavor: cloud.gpu))
            #expect(try await cloud.task(machine).spec?.gpus.map(\.address.bus) == [1, 2])
            var inventory = await node.inventory
            inventory.gpus[2].condition = .faulty
            inventory.gpus[3].condition = .busy
            inventory.gpus.remove(at: 4)
            await node.set(inventory)
            try await node.report(withInventory: true)
            await expectRefusal(
                .noCapacity,
                "H100: 1 free, 2 allocated, 1 being cleaned, 1 faulty, 1 missing from their hosts."
            ) { _ = try await cloud.createOne(cloud.request(flavor: cloud.gpu)) }
            #expect(try await StockStore(database: cloud.database).freeGPUs().map(\.free) == [1])
            let offers = try await FlavorStore(database: cloud.database).offers(region: nil)
            #expect(offers.map(\.isAvailable) == [true, false])
            try await cloud.audit()
        }
    }

    @Test("A machine whose GPU ails reads it in its history once, and again when it is well; it keeps the GPU")
    func ailing() async throws {
        try await Cloud.with { cloud in
            let node = try await SpeakingNode("one", in: cloud, gpus: [.example(1), .example(2)])
            let machine = try await cloud.createOne(cloud.request("web", flavor: cloud.gpu))
            try await node.converge()
            var inventory = await node.inventory
            let well = inventory
            inventory.gpus[0].reason = "Its link has 8 of 16 lanes."
            await node.set(inventory)
            for _ in 0..<3 { try await node.report(withInventory: true) }
            inventory.gpus[0].condition = .faulty
            await node.set(inventory)
            try await node.report(withInventory: true)
            #expect(try await states(cloud) == ["allocated", "allocated"])
            let ailing = try await cloud.store.machine(machine.id, in: cloud.organization)
            #expect(ailing?.degradedReason == "Its link has 8 of 16 lanes.")
            await node.set(well)
            for _ in 0..<2 { try await node.report(withInventory: true) }
            let events = try #require(try await cloud.store.events(of: machine.id, in: cloud.organization))
            #expect(events.map(\.reason).suffix(2) == ["InstanceGPUDegraded", "InstanceGPURecovered"])
            #expect(events.filter { $0.reason == "InstanceGPUDegraded" }.count == 1)
            let recovered = try #require(try await cloud.store.machine(machine.id, in: cloud.organization))
            #expect(recovered.degradedReason == nil)
            #expect(events.contains { $0.message == "A GPU of web may not work well: Its link has 8 of 16 lanes." })
            try await cloud.audit()
        }
    }

    @Test("A host that shrank below what it gave out keeps its machines and takes no more until it fits again")
    func shrunk() async throws {
        try await Cloud.with { cloud in
            let node = try await SpeakingNode("one", in: cloud)
            let machines = try await cloud.lifecycle.create(cloud.request(count: 3)).machines
            try await node.converge()
            var inventory = await node.inventory
            inventory.total.vcpus = 2
            await node.set(inventory)
            try await node.report(withInventory: true)
            #expect(try await cloud.number("SELECT shrunk::integer AS number FROM compute_node") == 1)
            let refusal = await #expect(throws: MachineRefusal.self) { try await cloud.createOne() }
            #expect(refusal?.message.contains("shrunk: 1") == true)
            for machine in machines.dropFirst() {
                try await cloud.perform(.delete, machine)
                try await node.converge()
            }
            #expect(try await cloud.number("SELECT shrunk::integer AS number FROM compute_node") == 0)
            _ = try await cloud.createOne()
            try await cloud.audit()
        }
    }

    @Test("A node of huge pages offers those and no more, in whole ones, whatever its ratio")
    func hugePages() async throws {
        try await Cloud.with { cloud in
            let node = try await SpeakingNode("one", in: cloud)
            let store = NodeStore(database: cloud.database)
            let name = try NodeName("one")
            _ = try await store.setRatios(OvercommitRatios(memory: 4), of: name)
            var inventory = await node.inventory
            (inventory.total.memoryMiB, inventory.memoryPageMiB) = (3072, 1024)
            await node.set(inventory)
            try await node.report(withInventory: true)
            #expect(try await store.node(name)?.memoryPageMiB == 1024)
            #expect(try await store.node(name)?.limit.memoryMiB == 3072)
            try await cloud.execute("UPDATE flavor SET memory_mib = 1536 WHERE id = \(cloud.small)")
            let broken = await #expect(throws: MachineRefusal.self) { try await cloud.createOne() }
            #expect(broken?.reason == .neverFits)
            #expect(broken?.message.contains("memory not whole in huge pages: 1") == true)
            #expect(try await offered(cloud) == false)
            try await cloud.execute("UPDATE flavor SET memory_mib = 1024 WHERE id = \(cloud.small)")
            #expect(try await offered(cloud))
            _ = try await cloud.lifecycle.create(cloud.request(count: 3))
            let full = await #expect(throws: MachineRefusal.self) { try await cloud.createOne() }
            #expect(full?.reason == .noCapacity)
            #expect(full?.message.contains("too little memory: 1") == true)
            // The ratio stays as the operator set it, for when the pages are ordinary again.
            #expect(try await store.setRatios(OvercommitRatios(memory: 8), of: name).shrunk == false)
            inventory.total.memoryMiB = 2048
            await node.set(inventory)
            try await node.report(withInventory: true)
            #expect(try await store.node(name)?.shrunk == true)
            (inventory.total.memoryMiB, inventory.memoryPageMiB) = (4096, nil)
            await node.set(inventory)
            try await node.report(withInventory: true)
            #expect(try await store.node(name)?.limit.memoryMiB == 32768)
            #expect(try await store.node(name)?.memoryPageMiB == nil)
            try await cloud.audit()
        }
    }

    /// Whether the small flavor is said to be available.
    private func offered(_ cloud: Cloud) async throws -> Bool {
        let offers = try await FlavorStore(database: cloud.database).offers(region: cloud.region)
        return try #require(offers.first { $0.flavor.id == cloud.small }).isAvailable
    }

    @Test("Each session has a higher epoch, and a host other than the known one is refused")
    func sessions() async throws {
        try await Cloud.with { cloud in
            let node = try await SpeakingNode("one", in: cloud)
            let second = try await node.openSession()
            #expect(second.epoch == 2)
            #expect(second.queue == "gantry.node.one")
            let refusal = await #expect(throws: NodeRefusal.self) { try await node.openSession(hostname: "other") }
            #expect(refusal?.reason == .wrongIdentity)
            #expect(try await cloud.number("SELECT epoch AS number FROM compute_node") == 2)
        }
    }

    @Test("A host with machines of ours is refused by a conductor to which its node is new")
    func newNodeWithMachines() async throws {
        try await Cloud.with { cloud in
            let node = try await SpeakingNode("one", in: cloud)
            try await cloud.execute("UPDATE compute_node SET state = 'new', hostname = NULL")
            let refusal = await #expect(throws: NodeRefusal.self) {
                try await node.openSession(machines: [HostedMachine(uuid: MachineUUID(), isRunning: true)])
            }
            #expect(refusal?.reason == .wrongIdentity)
            try await node.openSession()
        }
    }
}
