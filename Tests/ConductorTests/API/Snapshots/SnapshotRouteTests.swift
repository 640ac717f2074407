// SPDX-License-Identifier: Apache-2.0

import Conductor
import Foundation
import GantryModel
import GantryProtocol
import HTTPTypes
import Postgres
import Testing

@Suite("Snapshots are taken, restored, made images of and deleted over the API")
struct SnapshotRouteTests {
    private static let path = "/v1/core/snapshots"

    /// A machine that is ACTIVE, and a snapshot of it that its node has begun.
    private func with(_ body: @Sendable (TestAPI, InstanceBody, SnapshotBody) async throws -> Void) async throws {
        try await TestAPI.with(imageStore: "/nonexistent") { api in
            let machine = try #require(try await api.create().first)
            try await api.cloud.settle()
            let request = #"{"name":"before","description":"Old","labels":["a","b"]}"#
            let answer = try await api.call(.post, "\(TestAPI.machines)/\(machine.id)/snapshots", request)
            #expect(answer.status == .created, "\(answer)")
            try await body(api, machine, answer.decoded(Answer<SnapshotBody>.self).content)
        }
    }

    private func shown(_ snapshot: SnapshotBody, _ api: TestAPI) async throws -> SnapshotDetailBody {
        try await api.call(.get, "\(Self.path)/\(snapshot.id)").decoded(Answer<SnapshotDetailBody>.self).content
    }

    /// The node brings the file, and says so; or says why it does not.
    private func finish(_ api: TestAPI, fault: Fault? = nil) async throws {
        let digest = String(repeating: "c", count: 64)
        if fault == nil { try await api.cloud.execute("UPDATE snapshot SET sha256 = \(digest), bytes = 1000") }
        let (job, node) = try await api.cloud.database.read { transaction in
            let row = try #require(
                try transaction.query(
                    """
                    SELECT j.id, vm.node_id FROM machine_job j JOIN virtual_machine vm ON vm.id = j.vm_id
                    WHERE j.kind = 'snapshot' AND j.state = 'pending'
                    """
                )
                .first
            )
            return (try row["id"] as MachineJobID, try row["node_id"] as NodeID)
        }
        let text = #"{"is_consistent":true,"virtual_size":1073741825}"#
        let outcome = MachineJobOutcome(text: fault == nil ? text : nil, fault: fault)
        try await MachineJobs(database: api.cloud.database).finish(job, outcome, by: node)
    }

    @Test("From its taking over a restored machine and an image to its end")
    func life() async throws {
        try await with { api, machine, snapshot in
            #expect((snapshot.status, snapshot.vmID, snapshot.labels) == ("CREATING", machine.id, ["a", "b"]))
            let path = "\(Self.path)/\(snapshot.id)"
            let now = try await api.call(.get, "\(TestAPI.machines)/\(machine.id)").decoded(InstanceAnswer.self)
            #expect(now.instance.isSnapshotting)
            let stop = try await api.call(.get, "\(TestAPI.machines)/\(machine.id)/stop")
            #expect(stop.error?.message.contains("used to create a snapshot") == true, "\(stop)")
            #expect(try await api.call(.post, "\(path)/restore", #"{"new_vm_name":"x"}"#).status == .badRequest)
            #expect(try await api.call(.delete, path).status == .conflict)
            try await finish(api)

            let there = try await shown(snapshot, api)
            #expect((there.status, there.isConsistent, there.size, there.labels) == ("AVAILABLE", true, 2, "a,b"))
            #expect((there.vmName, there.vmFlavor, there.vmImage) == ("web", "small", "micro"))
            #expect((there.vmStatus, there.volumeID, there.volumeName) == ("ACTIVE", nil, nil))
            let events = try await api.call(.get, "\(path)/events").decoded(SnapshotEventsAnswer.self).snapshotEvents
            #expect(events.map(\.reason) == ["SnapshotCreateRequest", "SnapshotCreateSuccess"])
            #expect(try await api.call(.get, "\(TestAPI.machines)/\(machine.id)/stop").status == .ok)

            let restored = try await api.call(.post, "\(path)/restore", #"{"new_vm_name":"again"}"#)
                .decoded(InstanceAnswer.self).instance
            #expect((restored.name, restored.status, restored.flavor.name) == ("again", "CREATING", "small"))
            let url = try await api.cloud.database.read { transaction in
                try
                    transaction
                    .query(
                        "SELECT i.url FROM virtual_machine vm JOIN image i ON i.id = vm.image_id WHERE vm.name = 'again'"
                    )[0]["url"] as String
            }
            #expect(url.hasPrefix("store:"))
            // What stands on the file keeps it.
            let files = SnapshotFileStore(database: api.cloud.database)
            #expect(try await api.call(.delete, path).status == .ok)
            #expect(try await api.call(.get, path).status == .notFound)
            #expect(try await files.unused().isEmpty)
            #expect(try await api.call(.delete, "\(TestAPI.machines)/\(restored.id)").status == .ok)
            try await api.cloud.settle()
            #expect(try await files.unused().count == 1)
        }
    }

    @Test("It names the volume that its machine booted from, and tells the machine's status until that is gone")
    func ofVolume() async throws {
        try await TestAPI.with(imageStore: "/nonexistent") { api in
            try await api.cloud.addPool("local", .local)
            let machine = try #require(try await api.create(["create_bootable_volume": true]).first)
            try await api.cloud.settle()
            let path = "\(TestAPI.machines)/\(machine.id)"
            let snapshot = try await api.call(.post, "\(path)/snapshots", #"{"name":"root","description":""}"#)
                .decoded(Answer<SnapshotBody>.self).content
            try await finish(api)
            let volume = try #require(machine.volumeAttachments.first?.volume)
            let there = try await shown(snapshot, api)
            #expect((there.volumeID, there.volumeName, there.size) == ("\(volume.id)", "web", 2))
            #expect(try await api.call(.delete, path).status == .ok)
            #expect(try await shown(snapshot, api).vmStatus == "DELETING")
            try await api.cloud.settle()
            let afterwards = try await shown(snapshot, api)
            #expect((afterwards.vmStatus, afterwards.vmName) == (nil, "web"))
        }
    }

    @Test("An image of it is the organization's own, goes by its name, and outlives the snapshot")
    func image() async throws {
        try await with { api, _, snapshot in
            try await finish(api)
            let path = "\(Self.path)/\(snapshot.id)"
            let made = try await api.call(.post, "\(path)/image", #"{"name":"golden","labels":["web"]}"#)
                .decoded(SnapshotImageAnswer.self)
            #expect(try await api.call(.post, "\(path)/image", #"{"name":"golden"}"#).status == .conflict)
            #expect(try await shown(snapshot, api).customImage == "golden")
            let image = "/v1/core/images/\(made.id)"
            let body = try await api.call(.get, image).decoded(Answer<ImageBody>.self).content
            #expect((body.isPublic, body.snapshot, body.labels.map(\.label)) == (false, snapshot.id, ["web"]))
            func names(_ query: String, key: String = TestAPI.key) async throws -> [String] {
                try await api.call(.get, "/v1/core/images\(query)", key: key).decoded(ImagesAnswer.self).images
                    .flatMap(\.images).map(\.name).sorted()
            }
            #expect(try await names("") == ["golden", "micro"])
            #expect(try await names("?include_public=false") == ["golden"])
            #expect(try await names("", key: TestAPI.strangersKey) == ["micro"])
            #expect(try await api.call(.get, image, key: TestAPI.strangersKey).status == .notFound)
            #expect(try await api.call(.delete, image, key: TestAPI.strangersKey).status == .notFound)
            let free = "/v1/core/image/name-availability/golden"
            #expect(try await api.call(.get, free).decoded(NameAvailabilityBody.self).available == false)

            #expect(try await api.call(.delete, path).status == .ok)
            let machine = try #require(try await api.create(["name": "of-golden", "image_name": "golden"]).first)
            #expect(machine.image.name == "golden")
            #expect(try await api.call(.delete, image).status == .ok)
            #expect(try await api.call(.get, image).status == .notFound)
            let publicImage = try await api.cloud.number("SELECT id AS number FROM image WHERE name = 'micro'")
            #expect(try await api.call(.delete, "/v1/core/images/\(publicImage)").status == .badRequest)
            #expect(try await SnapshotFileStore(database: api.cloud.database).unused().isEmpty)
        }
    }

    @Test("One that its node could not take says why; its machine is free again")
    func failed() async throws {
        try await with { api, machine, snapshot in
            let again = #"{"name":"before","description":""}"#
            try await finish(api, fault: Fault(.hostDiskFull, "The node's disk is full."))
            let there = try await shown(snapshot, api)
            #expect((there.status, there.fault?.code) == ("ERROR", "host_disk_full"))
            let path = "\(Self.path)/\(snapshot.id)"
            #expect(try await api.call(.post, "\(path)/image", #"{"name":"x"}"#).status == .badRequest)
            #expect(try await api.call(.post, "\(TestAPI.machines)/\(machine.id)/snapshots", again).status == .conflict)
            #expect(
                try await api.call(.get, "\(Self.path)/name-availability/before").decoded(NameAvailabilityBody.self)
                    .available == false
            )
            #expect(try await api.call(.delete, path).status == .ok)
            #expect(try await api.call(.post, "\(TestAPI.machines)/\(machine.id)/snapshots", again).status == .created)
            for (method, route, body) in [
                (HTTPRequest.Method.get, path, nil), (.delete, path, nil), (.get, "\(path)/events", nil),
                (.post, "\(path)/restore", #"{"new_vm_name":"x"}"#), (.post, "\(path)/image", #"{"name":"x"}"#),
                (.post, "\(TestAPI.machines)/\(machine.id)/snapshots", again),
            ] as [(HTTPRequest.Method, String, String?)] {
                let answer = try await api.call(method, route, body, key: TestAPI.strangersKey)
                #expect(answer.status == .notFound, "\(method) \(route): \(answer)")
            }
            let list = try await api.call(.get, Self.path).decoded(PageAnswer<SnapshotBody>.self)
            #expect(list.count == 1)
        }
    }
}
