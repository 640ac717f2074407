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

    @Test("A returned GPU is free only after its host has called it ready; a lost or busy one never is")
    func gpuLife() async throws {
        try await Cloud.with { cloud in
            let node = try await SpeakingNode("one", in: cloud, gpus: [.example(1), .example(2), .example(3, .busy)])
            #expect(try await states(cloud) == ["free", "free", "sanitizing"])
            let machine = try await cloud.createOne(cloud.request(flavor: cloud.gpu))
            #expect(try await states(cloud) == ["allocated", "allocated", "sanitizing"])
            #expect(try await cloud.task(machine).spec?.gpus.map(\.address.bus) == [1, 2])
            var inventory = await node.inventory
            inventory.gpus = [try .example(1), try .example(3, .faulty)]
            await node.set(inventory)
            try await node.report(withInventory: true)
            #expect(try await states(cloud) == ["allocated", "allocated", "faulty"])
            try await cloud.audit()
            try await cloud.perform(.delete, machine)
            try await node.converge()
            #expect(try await states(cloud) == ["sanitizing", "sanitizing", "faulty"])
            try await node.report(withInventory: true)
            #expect(try await states(cloud) == ["free", "faulty", "faulty"])
            inventory.gpus = [try .example(1), try .example(2), try .example(3)]
            await node.set(inventory)
            try await node.report(withInventory: true)
            #expect(try await states(cloud) == ["free", "free", "free"])
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
                try await node.openSession(machines: [MachineUUID()])
            }
            #expect(refusal?.reason == .wrongIdentity)
            try await node.openSession()
        }
    }
}
