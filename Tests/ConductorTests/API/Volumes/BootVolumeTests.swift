// SPDX-License-Identifier: Apache-2.0

import Conductor
import GantryModel
import GantryProtocol
import HTTPTypes
import Postgres
import Testing

@Suite("Machines boot from volumes, which stay when they go")
struct BootVolumeTests {
    private func volumes(_ api: TestAPI) async throws -> [VolumeBody] {
        try await api.call(.get, "/v1/core/volumes").decoded(PageAnswer<VolumeBody>.self).contents
    }

    private func task(_ api: TestAPI) async throws -> MachineTask {
        try await api.cloud.database.read { transaction in
            let ids = try transaction.query("SELECT id FROM virtual_machine WHERE deleted_at IS NULL")
            let tasks = try MachineTaskStore.tasks(of: ids.map { try $0["id"] }, transaction) { _, error in
                Issue.record(error)
            }
            return try #require(tasks.first)
        }
    }

    @Test("A new one begins as the image, is the machine's only disk, and boots another machine afterwards")
    func life() async throws {
        try await TestAPI.with { api in
            try await api.cloud.addPool("local", .local)
            let first = try #require(try await api.create(["create_bootable_volume": true]).first)
            #expect(first.volumeAttachments.map(\.volume.bootable) == [true])
            let spec = try #require(try await task(api).spec?.rootVolume)
            #expect((spec.sizeGiB, spec.isNew, spec.image?.name) == (5, true, "micro"))
            #expect(try await api.cloud.claimedDisk() == 5)
            try await api.cloud.audit()
            try await api.cloud.settle()
            let volume = try #require(try await volumes(api).first)
            #expect((volume.name, volume.bootable, volume.osImage) == ("web", true, "micro"))
            let detach = "\(TestAPI.machines)/\(first.id)/detach-volumes"
            #expect(try await api.call(.post, detach, #"{"volume_ids":[\#(volume.id)]}"#).status == .badRequest)

            #expect(try await api.call(.delete, "\(TestAPI.machines)/\(first.id)").status == .ok)
            try await api.cloud.settle()
            #expect(try await volumes(api).map(\.status) == ["available"])
            try await api.cloud.audit()

            let changes: [String: (any Sendable)?] = ["name": "again", "image_name": nil, "volume_name": "web"]
            let second = try #require(try await api.create(changes).first)
            #expect(second.image.name == "micro")
            let root = try #require(try await task(api).spec?.rootVolume)
            #expect((root.isNew, root.image == nil) == (false, true))
            let taken = try await api.call(
                .post,
                TestAPI.machines,
                TestAPI.creation(["name": "third", "volume_name": "web"])
            )
            #expect(taken.error?.message.contains("attached to VM \(second.id)") == true, "\(taken)")
            try await api.cloud.audit()
        }
    }

    @Test("One that is not there, holds no system, or is asked for twice is refused")
    func refused() async throws {
        try await TestAPI.with { api in
            let poolless = try await api.call(
                .post,
                TestAPI.machines,
                TestAPI.creation(["create_bootable_volume": true])
            )
            #expect(poolless.error?.message.contains("storage pool") == true, "\(poolless)")
            try await api.cloud.addPool("local", .local)
            let body = #"{"name":"data","environment_name":"default","volume_type":"local","size":1}"#
            #expect(try await api.call(.post, "/v1/core/volumes", body).status == .ok)
            for (changes, word) in [
                (["volume_name": "nothing"], "does not exist"), (["volume_name": "data"], "boot from"),
                (["volume_name": "data", "create_bootable_volume": true], "volume_name"),
            ] as [([String: (any Sendable)?], String)] {
                let answer = try await api.call(.post, TestAPI.machines, TestAPI.creation(changes))
                #expect(answer.error?.message.contains(word) == true, "\(answer)")
            }
            #expect(try await api.leftovers() == 0)
        }
    }

    @Test("A machine whose volume is on its node's own disk is not tried elsewhere")
    func bound() async throws {
        try await TestAPI.with { api in
            let node = try await SpeakingNode("two", in: api.cloud)
            try await api.cloud.execute("UPDATE compute_node SET cordoned = true WHERE name = 'one'")
            try await api.cloud.addPool("local", .local)
            let machine = try #require(try await api.create(["create_bootable_volume": true]).first)
            try await node.report([task(api).done(power: .absent, fault: Fault(.hypervisorRefused, "It cannot."))])
            let now = try await api.call(.get, "\(TestAPI.machines)/\(machine.id)").decoded(InstanceAnswer.self)
                .instance
            #expect((now.status, now.fault?.code) == ("ERROR", "hypervisor_refused"))
        }
    }
}
