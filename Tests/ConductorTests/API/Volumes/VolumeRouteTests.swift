// SPDX-License-Identifier: Apache-2.0

import GantryProtocol
import HTTPTypes
import Postgres
import Testing

@Suite("Volumes are made, changed, attached and deleted over the API")
struct VolumeRouteTests {
    private static let path = "/v1/core/volumes"

    /// The routes with a local pool on the one node, and a machine that is ACTIVE there.
    private func with(_ body: @Sendable (TestAPI, InstanceBody) async throws -> Void) async throws {
        try await TestAPI.with { api in
            try await api.cloud.addPool("local", .local)
            let machine = try #require(try await api.create().first)
            try await api.cloud.settle()
            try await body(api, machine)
        }
    }

    private func create(_ name: String, size: Int = 10, _ api: TestAPI) async throws -> VolumeBody {
        let body = #"{"name":"\#(name)","environment_name":"default","volume_type":"local","size":\#(size)}"#
        let answer = try await api.call(.post, Self.path, body)
        return try answer.decoded(Answer<VolumeBody>.self).content
    }

    private func shown(_ volume: VolumeBody, _ api: TestAPI) async throws -> VolumeBody {
        try await api.call(.get, "\(Self.path)/\(volume.id)").decoded(Answer<VolumeBody>.self).content
    }

    private func attach(_ volumes: [VolumeBody], to machine: InstanceBody, _ api: TestAPI) async throws -> APIAnswer {
        let body = #"{"volume_ids":\#(volumes.map(\.id))}"#
        return try await api.call(.post, "\(TestAPI.machines)/\(machine.id)/attach-volumes", body)
    }

    private func detach(_ volumes: [VolumeBody], from machine: InstanceBody, _ api: TestAPI) async throws -> APIAnswer {
        let body = #"{"volume_ids":\#(volumes.map(\.id))}"#
        return try await api.call(.post, "\(TestAPI.machines)/\(machine.id)/detach-volumes", body)
    }

    @Test("From its making over a machine to its end")
    func life() async throws {
        try await with { api, machine in
            #expect(
                try await api.call(.get, "/v1/core/volume-types").decoded(VolumeTypesAnswer.self).volumeTypes == [
                    "local"
                ]
            )
            let volume = try await create("data", api)
            #expect(
                (volume.status, volume.size, volume.volumeType, volume.bootable) == ("available", 10, "local", false)
            )
            let attached = try await attach([volume], to: machine, api).decoded(VolumeAttachmentsAnswer.self)
            #expect(attached.message == "Volumes attaching now.")
            let attachment = try #require(attached.volumeAttachments.first)
            #expect((attachment.status, attachment.instanceID) == ("ATTACHING", machine.id))
            #expect(attachment.device.hasPrefix("/dev/disk/by-id/virtio-"))
            #expect(try await shown(volume, api).status == "in-use")
            #expect(try await api.cloud.claimedDisk() == 5 + 10)
            try await api.cloud.settle()
            let instance = try await api.call(.get, "\(TestAPI.machines)/\(machine.id)").decoded(InstanceAnswer.self)
                .instance
            #expect(instance.volumeAttachments.map(\.status) == ["ATTACHED"])
            #expect(instance.volumeAttachments.map(\.volume.name) == ["data"])

            let protection = "/v1/core/volume-attachments/\(attachment.id)"
            #expect(try await api.call(.patch, protection, #"{"protected":true}"#).status == .ok)
            #expect(try await detach([volume], from: machine, api).status == .badRequest)
            #expect(try await api.call(.patch, protection, #"{"protected":false}"#).status == .ok)
            #expect(try await api.call(.delete, "\(Self.path)/\(volume.id)").status == .badRequest)
            let detached = try await detach([volume], from: machine, api).decoded(VolumeAttachmentsAnswer.self)
            #expect(detached.volumeAttachments.map(\.status) == ["DETACHING"])
            #expect(try await shown(volume, api).status == "in-use")
            try await api.cloud.settle()
            #expect(try await shown(volume, api).attachments.isEmpty)

            #expect(try await api.call(.delete, "\(Self.path)/\(volume.id)").status == .ok)
            #expect(try await shown(volume, api).status == "deleting")
            try await api.cloud.confirmRemovals()
            #expect(try await api.call(.get, "\(Self.path)/\(volume.id)").status == .notFound)
            #expect(try await api.cloud.claimedDisk() == 5)
        }
    }

    @Test("One that no node made goes at once, and its name is free again")
    func unmade() async throws {
        try await with { api, _ in
            let volume = try await create("data", api)
            let free = "/v1/core/volume/name-availability/data"
            #expect(try await api.call(.get, free).decoded(NameAvailabilityBody.self).available == false)
            let body = #"{"name":"data","environment_name":"default","volume_type":"local","size":1}"#
            #expect(try await api.call(.post, Self.path, body).status == .conflict)
            #expect(try await api.call(.delete, "\(Self.path)/\(volume.id)").status == .ok)
            #expect(try await api.call(.get, "\(Self.path)/\(volume.id)").status == .notFound)
            #expect(try await api.call(.get, free).decoded(NameAvailabilityBody.self).available)
        }
    }

    @Test(
        "What cannot be is refused by its name",
        arguments: [
            (#"{"name":"x","environment_name":"default","volume_type":"local","size":0}"#, 400, "size"),
            (#"{"name":"x","environment_name":"default","volume_type":"local","size":1048577}"#, 400, "size"),
            (#"{"name":"","environment_name":"default","volume_type":"local","size":1}"#, 400, "name"),
            (#"{"name":"x","environment_name":"default","volume_type":"Cloud-SSD","size":1}"#, 404, "local"),
            (#"{"name":"x","environment_name":"nowhere","volume_type":"local","size":1}"#, 404, "environment_name"),
            (
                #"{"name":"x","environment_name":"default","volume_type":"local","size":1,"image_id":99}"#, 404,
                "image_id"
            ),
            (
                #"{"name":"x","environment_name":"default","volume_type":"local","size":1,"callback_url":"ftp://x"}"#,
                400,
                "callback_url"
            ),
        ]
    )
    func refused(_ body: String, _ status: Int, _ word: String) async throws {
        try await with { api, _ in
            let answer = try await api.call(.post, Self.path, body)
            #expect(answer.status.code == status, "\(answer)")
            #expect(answer.error?.message.contains(word) == true, "\(answer)")
        }
    }

    @Test("A volume grows and never shrinks, under a machine too, and is renamed and described")
    func update() async throws {
        try await with { api, machine in
            let volume = try await create("data", api)
            let path = "\(Self.path)/\(volume.id)"
            #expect(try await attach([volume], to: machine, api).status == .ok)
            try await api.cloud.settle()
            #expect(try await api.call(.patch, path, #"{"size":9}"#).status == .badRequest)
            let update = try await api.call(.patch, path, #"{"size":20,"name":"more","description":"Big"}"#)
                .decoded(UpdateVolumeAnswer.self)
            #expect((update.volume.size, update.volume.name, update.volume.description) == (20, "more", "Big"))
            #expect(update.updates.size == 20)
            #expect(try await api.cloud.claimedDisk() == 5 + 20)
            #expect(try await api.cloud.number("SELECT generation AS number FROM virtual_machine") == 3)
            try await api.cloud.execute("UPDATE virtual_machine SET phase = 'error'")
            #expect(try await api.call(.patch, path, #"{"size":30}"#).status == .badRequest)
            #expect(try await api.call(.patch, path, #"{"name":"still"}"#).status == .ok)
            #expect(try await api.call(.patch, path, #"{"environment_name":"nowhere"}"#).status == .notFound)
        }
    }

    @Test("Volumes are attached in the right state and place alone, and at most ten")
    func places() async throws {
        try await with { api, machine in
            let volumes = try await withVolumes(11, api)
            let many = #"{"volume_ids":\#(volumes.map(\.id))}"#
            let attachPath = "\(TestAPI.machines)/\(machine.id)/attach-volumes"
            #expect(try await api.call(.post, attachPath, many).status == .badRequest)
            #expect(try await attach(Array(volumes.prefix(10)), to: machine, api).status == .ok)
            let eleventh = try await attach([volumes[10]], to: machine, api)
            #expect(eleventh.error?.message.contains("11 volumes") == true, "\(eleventh)")
            let again = try await attach([volumes[0]], to: machine, api)
            #expect(again.error?.message.contains("already attached") == true, "\(again)")
            let wrong = try await detach([volumes[10]], from: machine, api)
            #expect(wrong.error?.message.contains("not attached with the given VM") == true, "\(wrong)")
            #expect(try await api.call(.post, attachPath, #"{"volume_ids":[]}"#).status == .badRequest)
            #expect(try await api.call(.post, attachPath, #"{"volume_ids":[999]}"#).status == .notFound)
            try await api.cloud.execute("UPDATE virtual_machine SET phase = 'stopping'")
            let stopping = try await attach([volumes[10]], to: machine, api)
            #expect(stopping.error?.message.contains("ACTIVE or SHUTOFF") == true, "\(stopping)")
        }
    }

    @Test("A local volume stays on the node of its first machine, which the refusal names; a full disk is a 409")
    func binding() async throws {
        try await with { api, machine in
            let volume = try await create("data", api)
            #expect(try await attach([volume], to: machine, api).status == .ok)
            try await api.cloud.settle()
            #expect(try await detach([volume], from: machine, api).status == .ok)
            try await api.cloud.settle()
            try await api.cloud.execute(
                """
                WITH two AS (
                    INSERT INTO compute_node (region_id, name, api_key_digest, state, vcpus, memory_mib, disk_gib)
                    SELECT region_id, 'two', sha256('two'), 'up', 16, 65536, 1000 FROM compute_node RETURNING id
                ), pool AS (
                    INSERT INTO node_storage_pool (node_id, pool_id) SELECT two.id, p.id FROM two, storage_pool p
                )
                UPDATE virtual_machine SET node_id = two.id FROM two
                """
            )
            let refused = try await attach([volume], to: machine, api)
            #expect(refused.status == .badRequest)
            #expect(refused.error?.message.contains("of node one") == true, "\(refused)")
            let huge = try await create("huge", size: 2000, api)
            let full = try await attach([huge], to: machine, api)
            #expect((full.status, full.error?.errorReason) == (.conflict, "no_capacity"))
            try await api.cloud.execute("DELETE FROM node_storage_pool")
            let small = try await create("small", api)
            let poolless = try await attach([small], to: machine, api)
            #expect(poolless.error?.message.contains("no storage pool “local”") == true, "\(poolless)")
        }
    }

    @Test("Another organization sees, changes and attaches nothing")
    func scope() async throws {
        try await with { api, machine in
            let volume = try await create("data", api)
            let ids = #"{"volume_ids":[\#(volume.id)]}"#
            #expect(try await attach([volume], to: machine, api).status == .ok)
            let attachment = try await api.cloud.number("SELECT id AS number FROM volume_attachment")
            for (method, route, body) in [
                (HTTPRequest.Method.get, "\(Self.path)/\(volume.id)", nil),
                (.delete, "\(Self.path)/\(volume.id)", nil), (.patch, "\(Self.path)/\(volume.id)", #"{"size":90}"#),
                (.post, "\(TestAPI.machines)/\(machine.id)/attach-volumes", ids),
                (.post, "\(TestAPI.machines)/\(machine.id)/detach-volumes", ids),
                (.patch, "/v1/core/volume-attachments/\(attachment)", #"{"protected":true}"#),
                (.post, "\(Self.path)/\(volume.id)/attach-callback", #"{"url":"https://example.com/x"}"#),
            ] as [(HTTPRequest.Method, String, String?)] {
                let answer = try await api.call(method, route, body, key: TestAPI.strangersKey)
                #expect(answer.status == .notFound, "\(method) \(route): \(answer)")
            }
            let list = try await api.call(.get, Self.path, key: TestAPI.strangersKey)
            #expect(try list.decoded(PageAnswer<VolumeBody>.self).contents.isEmpty)
            #expect(try await api.call(.get, Self.path).decoded(PageAnswer<VolumeBody>.self).count == 1)
        }
    }

    @Test("An environment stays while it has volumes; their history goes with the organization")
    func environment() async throws {
        try await TestAPI.with { api in
            try await api.cloud.addPool("local", .local)
            let volume = try await create("data", api)
            let environment = "/v1/core/environments/\(api.cloud.environment)"
            let refused = try await api.call(.delete, environment)
            #expect((refused.status, refused.error?.errorReason) == (.conflict, "in_use"))
            #expect(refused.error?.message.contains("volumes") == true, "\(refused)")
            #expect(try await api.call(.delete, "\(Self.path)/\(volume.id)").status == .ok)
            #expect(try await api.call(.delete, environment).status == .ok)
            let organization = "/v1/admin/organizations/\(api.cloud.organization)"
            #expect(try await api.call(.delete, organization, key: TestAPI.operatorsKey).status == .ok)
            #expect(try await api.cloud.number("SELECT count(*) AS number FROM volume") == 0)
        }
    }

    @Test("Volumes count for quotas, new ones and what they grow by")
    func quota() async throws {
        try await with { api, _ in
            try await api.cloud.execute(
                "INSERT INTO quota (organization_id, volumes, volume_gib) VALUES (\(api.cloud.organization), 2, 25)"
            )
            let volume = try await create("one", api)
            _ = try await create("two", api)
            let path = "\(Self.path)/\(volume.id)"
            #expect(try await api.call(.patch, path, #"{"size":16}"#).status != .ok)
            #expect(try await api.call(.patch, path, #"{"size":15}"#).status == .ok)
            let third = #"{"name":"three","environment_name":"default","volume_type":"local","size":1}"#
            let refused = try await api.call(.post, Self.path, third)
            #expect(refused.error?.message.contains("quota") == true, "\(refused)")
        }
    }

    @Test("A callback is told of each status of its volume, in order, until it is deleted")
    func callbacks() async throws {
        try await with { api, machine in
            let volume = try await create("data", api)
            let path = "\(Self.path)/\(volume.id)"
            #expect(
                try await api.call(.put, "\(path)/update-callback", #"{"url":"https://example.com/a"}"#).status
                    == .badRequest
            )
            #expect(
                try await api.call(.post, "\(path)/attach-callback", #"{"url":"https://example.com/a"}"#).status == .ok
            )
            _ = try await attach([volume], to: machine, api)
            try await api.cloud.settle()
            _ = try await detach([volume], from: machine, api)
            try await api.cloud.settle()
            #expect(
                try await api.call(.put, "\(path)/update-callback", #"{"url":"https://example.com/b"}"#).status == .ok
            )
            let list = try await api.call(.get, "/v1/core/callbacks/deliveries")
                .decoded(PageAnswer<CallbackDeliveryBody>.self).contents
            #expect(list.map(\.operation) == ["detachVolume", "attachVolume"])
            #expect(list.map(\.status) == ["AVAILABLE", "IN-USE"])
            #expect(list.allSatisfy { $0.volumeID == volume.id && $0.vmID == nil && $0.url == "https://example.com/b" })
            #expect(try await api.call(.delete, "\(path)/delete-callback").status == .ok)
            let cancelled = try await api.cloud.number(
                "SELECT count(*) AS number FROM callback_delivery WHERE state = 'cancelled'"
            )
            #expect(cancelled == 2)
        }
    }

    private func withVolumes(_ count: Int, _ api: TestAPI) async throws -> [VolumeBody] {
        var volumes: [VolumeBody] = []
        for index in 1...count { volumes.append(try await create("v\(index)", size: 1, api)) }
        return volumes
    }
}
