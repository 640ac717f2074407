// SPDX-License-Identifier: Apache-2.0

import Conductor
import GantryModel
import GantryProtocol
import HTTPTypes
import Testing

@Suite("Operators see every GPU, keep one from machines, and have one cleaned anew")
struct GPUAdministrationTests {
    @Test("A list is whole or what its filters let through, by node and address")
    func list() async throws {
        try await TestAPI.with { api in
            try await api.cloud.addNode("two", gpus: [0, 0])
            try await api.cloud.addNode("three", gpus: [0, 0, 1])
            let machine = try #require(try await api.create(["flavor_name": "gpu"]).first)
            let all = try await api.list("gpus", of: AdminGPUBody.self)
            #expect(all.count == 5)
            #expect(all.contents.map(\.node) == ["three", "three", "three", "two", "two"])
            let page = try await api.list("gpus?page=2&pageSize=2", of: AdminGPUBody.self)
            #expect(page.contents.map(\.id) == all.contents[2...3].map(\.id))
            #expect(try await api.list("gpus?state=allocated", of: AdminGPUBody.self).count == 2)
            #expect(try await api.list("gpus?node=three", of: AdminGPUBody.self).count == 3)
            #expect(try await api.list("gpus?node=three&state=faulty", of: AdminGPUBody.self).count == 0)
            #expect(try await api.list("gpus?gpu_type=H100", of: AdminGPUBody.self).count == 5)
            #expect(try await api.list("gpus?gpu_type=A100", of: AdminGPUBody.self).count == 0)
            let own = try await api.list("gpus?vm=\(machine.id)", of: AdminGPUBody.self).contents
            #expect(own.map(\.virtualMachineName) == [machine.name, machine.name])
            for query in ["state=broken", "vm=x", "vm=0", "page=0"] {
                #expect(try await api.operate(.get, "gpus?\(query)").status == .badRequest)
            }
        }
    }

    @Test("Its history says who had it, and how it was cleaned after")
    func history() async throws {
        try await TestAPI.with { api in
            let node = try await SpeakingNode("two", in: api.cloud, gpus: [.example(1), .example(2)])
            let machine = try #require(try await api.create(["flavor_name": "gpu", "name": "web"]).first)
            try await node.converge()
            let id = try #require(try await api.list("gpus?vm=\(machine.id)", of: AdminGPUBody.self).contents.first).id
            try await api.call(.delete, "\(TestAPI.machines)/\(machine.id)")
            try await node.converge()
            let released = try await show(id, api)
            #expect((released.gpu.state, released.gpu.claim) == ("sanitizing", 2))
            try await node.clean()
            let shown = try await show(id, api)
            #expect((shown.gpu.state, shown.gpu.cleaning, shown.gpu.virtualMachineID) == ("free", "flr", nil))
            #expect(shown.gpu.functions == [AdminGPUBody.Function(address: shown.gpu.address, pciID: "10de:2330")])
            #expect(shown.uses.map(\.claim) == [2, 1])
            let use = try #require(shown.uses.first)
            #expect((use.virtualMachineID, use.virtualMachineName, use.organizationName) == (machine.id, "web", "acme"))
            #expect(use.releasedAt != nil && use.cleanedAt != nil && use.cleaning == "flr")
            #expect(use.faultyAt == nil)
            #expect((shown.uses[1].virtualMachineID, shown.uses[1].cleaning) == (nil, "flr"))
        }
    }

    @Test("A GPU is listed with the partitions that it is in")
    func partitions() async throws {
        try await TestAPI.with { api in
            let units = try (1...2).map { try GPUInventory.example($0) }
            var partitions = FabricPartition.examples(of: units.map(\.address))
            partitions[0].isActive = true
            _ = try await SpeakingNode("two", in: api.cloud, gpus: units, fabricPartitions: partitions)
            let gpus = try await api.list("gpus", of: AdminGPUBody.self).contents
            #expect(gpus.map { $0.partitions.map(\.id) } == [[0, 1], [0, 2]])
            #expect(gpus.map { $0.partitions.map(\.active) } == [[true, false], [true, false]])
            #expect(gpus.map { $0.partitions.map(\.size) } == [[2, 1], [2, 1]])
        }
    }

    @Test("A cordoned GPU goes to no machine, and is counted as that; the machine that has it keeps it")
    func cordon() async throws {
        try await TestAPI.with { api in
            try await api.cloud.addNode("two", gpus: [0, 0])
            let gpus = try await api.list("gpus", of: AdminGPUBody.self).contents
            let path = "gpus/\(gpus[0].id)"
            let reason = #"{"reason":"ünï <b>"}"#
            let shut = try await api.operate(.post, "\(path)/cordon", reason, showing: AdminGPUBody.self)
            #expect((shut.cordoned, shut.cordonReason, shut.state) == (true, "ünï <b>", "free"))
            let refused = try await api.call(.post, TestAPI.machines, TestAPI.creation(["flavor_name": "gpu"]))
            #expect(refused.error?.errorReason == "no_capacity")
            #expect(refused.error?.message.hasSuffix("Of GPU type H100: 1 free, 1 cordoned.") == true, "\(refused)")
            let stocks = try await api.call(.get, "/v1/core/stocks").decoded(StocksAnswer.self)
            #expect(stocks.stocks.first?.models.first?.available == "1")
            let open = try await api.operate(.post, "\(path)/uncordon", showing: AdminGPUBody.self)
            #expect((open.cordoned, open.cordonReason) == (false, nil))
            let machine = try #require(try await api.create(["flavor_name": "gpu"]).first)
            let held = try await api.operate(.post, "\(path)/cordon", #"{"reason":"fans"}"#, showing: AdminGPUBody.self)
            #expect((held.state, held.virtualMachineID) == ("allocated", machine.id))
            #expect(try await api.operate(.post, "\(path)/cordon", #"{"reason":""}"#).status == .badRequest)
        }
    }

    @Test("A faulty GPU is cleaned anew when asked, any other is not")
    func retry() async throws {
        try await TestAPI.with { api in
            let node = try await SpeakingNode(
                "two",
                in: api.cloud,
                gpus: [.example(1, .faulty, reason: "It did not come back from its reset."), .example(2), .example(3)]
            )
            let id = try #require(try await api.list("gpus?state=faulty", of: AdminGPUBody.self).contents.first).id
            #expect(try await show(id, api).gpu.reason == "It did not come back from its reset.")
            let asked = try await api.operate(.post, "gpus/\(id)/retry", showing: AdminGPUBody.self)
            #expect((asked.state, asked.claim, asked.reason) == ("sanitizing", 2, nil))
            // What it said before was of an older claim.
            try await node.report(withInventory: true)
            #expect(try await show(id, api).gpu.state == "sanitizing")
            try await refuse(id, "is being cleaned already", api)
            var inventory = await node.inventory
            inventory.gpus[0] = try .example(1)
            await node.set(inventory)
            try await node.clean()
            #expect(try await show(id, api).gpu.state == "free")
            try await refuse(id, "there is nothing to try again", api)
            let machine = try #require(try await api.create(["flavor_name": "gpu"]).first)
            let own = try await api.list("gpus?vm=\(machine.id)", of: AdminGPUBody.self).contents[0].id
            try await refuse(own, "is in VM \(machine.name)", api)
            #expect(try await api.operate(.post, "gpus/999/retry").status == .notFound)
            #expect(try await api.operate(.get, "gpus/999").status == .notFound)
        }
    }

    @Test("What no machine has is returned to its host, told until it is taken back, and then cleaned first")
    func returned() async throws {
        try await TestAPI.with { api in
            let node = try await SpeakingNode("two", in: api.cloud, gpus: [.example(1), .example(2), .example(3)])
            try await node.clean()
            let free = try await api.list("gpus?state=free", of: AdminGPUBody.self).contents
            let path = "gpus/\(try #require(free.first).id)"
            let reason = #"{"reason":"new firmware"}"#
            let host = try await api.operate(.post, "\(path)/return", reason, showing: AdminGPUBody.self)
            #expect((host.state, host.returned, host.cordonReason) == ("faulty", true, "new firmware"))
            let told = UncleanGPU(address: try PCIAddress(host.address), claim: host.claim, isReturned: true)
            for _ in 1...2 { #expect(try await node.report(withInventory: true).uncleanGPUs == [told]) }
            try await refuse(host.id, "uncordon takes it back", api)
            // Cordoned and returned again, it is still the host's.
            _ = try await api.operate(.post, "\(path)/cordon", reason, showing: AdminGPUBody.self)
            _ = try await api.operate(.post, "\(path)/return", reason, showing: AdminGPUBody.self)
            let back = try await api.operate(.post, "\(path)/uncordon", showing: AdminGPUBody.self)
            #expect((back.state, back.returned, back.claim) == ("sanitizing", false, host.claim + 1))
            let sanitizing = try await api.operate(.post, "\(path)/return", reason)
            #expect(sanitizing.error?.message.contains("being cleaned already") == true, "\(sanitizing)")
            try await node.clean()
            #expect(try await show(host.id, api).gpu.state == "free")
            let machine = try #require(try await api.create(["flavor_name": "gpu"]).first)
            let own = try await api.list("gpus?vm=\(machine.id)", of: AdminGPUBody.self).contents[0].id
            #expect(try await api.operate(.post, "gpus/\(own)/return", reason).status == .badRequest)
            #expect(try await api.operate(.post, "\(path)/return", #"{"reason":""}"#).status == .badRequest)
        }
    }

    private func show(_ id: Int64, _ api: TestAPI) async throws -> AdminGPUAnswer {
        try await api.operate(.get, "gpus/\(id)").decoded(AdminGPUAnswer.self)
    }

    private func refuse(_ id: Int64, _ text: String, _ api: TestAPI) async throws {
        let answer = try await api.operate(.post, "gpus/\(id)/retry")
        #expect(answer.status == .badRequest)
        #expect(answer.error?.message.contains(text) == true, "\(answer)")
    }
}
