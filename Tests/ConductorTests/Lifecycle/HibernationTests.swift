// SPDX-License-Identifier: Apache-2.0

import Conductor
import GantryModel
import GantryProtocol
import Postgres
import Testing

@Suite("A hibernated machine keeps its disk, and what it claimed beside it is others' until it is restored")
struct HibernationTests {
    private func hibernate(_ cloud: Cloud, _ machine: VirtualMachineRecord, retainingIP: Bool = true) async throws {
        _ = try await cloud.lifecycle.perform(
            .hibernate,
            on: machine.id,
            in: cloud.organization,
            by: cloud.user,
            retainingIP: retainingIP
        )
    }

    @Test("What it claimed is free once its node has confirmed, not before; restored it has claimed it again")
    func life() async throws {
        try await Cloud.with { cloud in
            let node = try await SpeakingNode("one", in: cloud)
            let machine = try await cloud.createOne()
            try await node.converge()
            let running = try await cloud.task(machine)
            try await hibernate(cloud, machine)
            #expect(try await cloud.now(machine)?.status == .hibernating)
            #expect(try await cloud.task(machine).power == .hibernated)
            try await node.report([running.done(power: .stopped)])
            #expect(try await cloud.now(machine)?.status == .hibernating)
            await expectRefusal(.conflict, "still going on") { try await cloud.perform(.restore, machine) }
            #expect(try await allocated(cloud) == [1, 512, 5])
            try await node.converge()
            let asleep = try #require(try await cloud.now(machine))
            #expect((asleep.status, asleep.situation.vmState) == (.hibernated, "shelved_offloaded"))
            #expect(asleep.node?.id == node.identity.id)
            #expect(try await allocated(cloud) == [0, 0, 5])
            try await cloud.audit()
            try await node.converge()
            #expect(try await allocated(cloud) == [0, 0, 5])
            for operation in [MachineOperation.start, .stop, .hardReboot, .hibernate] {
                await expectRefusal(.wrongState, "is HIBERNATED") { try await cloud.perform(operation, machine) }
            }
            try await cloud.perform(.restore, machine)
            #expect(try await cloud.now(machine)?.status == .restoring)
            #expect(try await allocated(cloud) == [1, 512, 5])
            try await cloud.audit()
            try await node.converge()
            #expect(try await cloud.now(machine)?.status == .active)
            await expectRefusal(.wrongState, "when it is HIBERNATED") { try await cloud.perform(.restore, machine) }
            let events = try await cloud.store.events(of: machine.id, in: cloud.organization)
            #expect(
                events?.map(\.reason).suffix(4) == [
                    "HibernateInstanceRequest", "HibernateInstanceSuccess", "RestoreHibernationInstanceRequest",
                    "RestoreHibernationInstanceSuccess",
                ]
            )
        }
    }

    @Test("It comes back where its disks are, though another node has room; a refusal counts what is missing")
    func noRoom() async throws {
        try await Cloud.with { cloud in
            let node = try await SpeakingNode(
                "one",
                in: cloud,
                total: Resources(vcpus: 1, memoryMiB: 2048, diskGiB: 100)
            )
            let machine = try await cloud.createOne()
            try await node.converge()
            try await hibernate(cloud, machine)
            try await node.converge()
            let other = try await cloud.createOne()
            try await cloud.addNode("two")
            await expectRefusal(.noCapacity, "no other node can reach them. Of 1 node: too few vCPUs: 1.") {
                try await cloud.perform(.restore, machine)
            }
            #expect(try await cloud.now(machine)?.status == .hibernated)
            try await cloud.audit()
            try await cloud.perform(.delete, other)
            try await node.converge()
            try await cloud.perform(.restore, machine)
            try await node.converge()
            #expect(try await cloud.now(machine)?.status == .active)
            try await cloud.audit()
        }
    }

    @Test("GPUs are cleaned before others get them, and others than before may come back")
    func gpus() async throws {
        try await Cloud.with { cloud in
            let devices = try (1...4).map { try GPUInventory.example($0) }
            let node = try await SpeakingNode("one", in: cloud, gpus: devices)
            let machine = try await cloud.createOne(cloud.request(flavor: cloud.gpu))
            try await node.converge()
            try await hibernate(cloud, machine)
            #expect(try await cloud.devices("allocated") == 2)
            try await node.converge()
            #expect(try await cloud.now(machine)?.status == .hibernated)
            #expect((try await cloud.devices("sanitizing"), try await cloud.devices("free")) == (2, 2))
            try await cloud.audit()
            let other = try await cloud.createOne(cloud.request(flavor: cloud.gpu))
            await expectRefusal(.noCapacity, "too few free GPUs: 1") { try await cloud.perform(.restore, machine) }
            try await node.report(withInventory: true)
            await expectRefusal(.noCapacity, "too few free GPUs: 1") { try await cloud.perform(.restore, machine) }
            try await node.clean()
            try await cloud.perform(.restore, machine)
            #expect(try await cloud.task(machine).spec?.gpus.count == 2)
            #expect(try await cloud.task(other).spec?.gpus.count == 2)
            try await cloud.audit()
        }
    }

    @Test("A floating IP that is not kept is free, and another comes with the restore, or the restore is refused")
    func floatingIP() async throws {
        try await Cloud.with(pool: "203.0.113.8/32") { cloud in
            let node = try await SpeakingNode("one", in: cloud)
            var request = cloud.request("web")
            request.assignFloatingIP = true
            let machine = try await cloud.createOne(request)
            try await node.converge()
            try await hibernate(cloud, machine)
            try await node.converge()
            #expect(try await cloud.now(machine)?.floatingIPStatus == "ATTACHED")
            try await cloud.perform(.restore, machine)
            try await node.converge()
            try await hibernate(cloud, machine, retainingIP: false)
            #expect(try await cloud.now(machine)?.floatingIPStatus == "DETACHING")
            try await node.converge()
            let asleep = try #require(try await cloud.now(machine))
            #expect((asleep.status, asleep.floatingIP) == (.hibernated, nil))
            request.name = "other"
            let other = try await cloud.createOne(request)
            await expectRefusal(.noFloatingIP, "no free floating IP") { try await cloud.perform(.restore, machine) }
            try await cloud.audit()
            try await cloud.perform(.delete, other)
            try await node.converge()
            try await cloud.perform(.restore, machine)
            try await node.converge()
            let awake = try #require(try await cloud.now(machine))
            #expect((awake.status, awake.floatingIPStatus) == (.active, "ATTACHED"))
            try await cloud.audit()
        }
    }

    @Test("It keeps its volumes while it sleeps, so that nobody else gets them, and wakes with them")
    func volumes() async throws {
        try await Cloud.with { cloud in
            let node = try await SpeakingNode("one", in: cloud)
            try await cloud.addPool("local", .local)
            let volume = try await cloud.addVolume("data", sizeGiB: 10)
            let (machine, other) = (try await cloud.createOne(), try await cloud.createOne())
            try await node.converge()
            func attach(to machine: VirtualMachineRecord) async throws {
                _ = try await cloud.lifecycle.attachVolumes(
                    [volume],
                    isProtected: false,
                    to: machine.id,
                    in: cloud.organization,
                    by: cloud.user
                )
            }
            try await attach(to: machine)
            try await node.converge()
            try await hibernate(cloud, machine)
            try await node.converge()
            let asleep = try #require(try await cloud.now(machine))
            #expect((asleep.status, asleep.volumes.map(\.state)) == (.hibernated, [.attached]))
            #expect(try await allocated(cloud) == [1, 512, 5 + 5 + 10])
            try await cloud.audit()
            await expectRefusal(.wrongState, "attached to VM \(machine.id)") { try await attach(to: other) }
            await expectRefusal(.wrongState, "HIBERNATED") {
                _ = try await cloud.lifecycle.detachVolumes(
                    [volume],
                    from: machine.id,
                    in: cloud.organization,
                    by: cloud.user
                )
            }
            #expect(try await cloud.task(machine).spec?.volumes.map(\.isNew) == [false])
            try await cloud.perform(.restore, machine)
            try await node.converge()
            let awake = try #require(try await cloud.now(machine))
            #expect((awake.status, awake.volumes.map(\.state)) == (.active, [.attached]))
            try await cloud.audit()
            try await hibernate(cloud, machine)
            try await node.converge()
            try await cloud.perform(.delete, machine)
            try await node.converge()
            try await attach(to: other)
            try await cloud.audit()
        }
    }

    @Test("It is deleted from every state on the way, and nothing of it is left", arguments: 0..<4)
    func deletion(steps: Int) async throws {
        try await Cloud.with { cloud in
            let node = try await SpeakingNode("one", in: cloud)
            let machine = try await cloud.createOne()
            try await node.converge()
            try await hibernate(cloud, machine)
            if steps > 0 { try await node.converge() }
            if steps > 1 { try await cloud.perform(.restore, machine) }
            if steps > 2 { try await node.converge() }
            try await cloud.perform(.delete, machine)
            try await cloud.audit()
            try await node.converge()
            #expect(try await cloud.now(machine) == nil)
            #expect(try await allocated(cloud) == [0, 0, 0])
            try await cloud.audit()
        }
    }

    @Test("Of actions that exclude each other exactly one wins, and claims are made once")
    func races() async throws {
        try await Cloud.with { cloud in
            let node = try await SpeakingNode("one", in: cloud)
            let machine = try await cloud.createOne()
            try await node.converge()
            #expect(try await winners(.hibernate, .stop, cloud, machine) == 1)
            try await node.converge()
            if try await cloud.now(machine)?.status == .shutoff {
                try await cloud.perform(.start, machine)
                try await node.converge()
                try await hibernate(cloud, machine)
                try await node.converge()
            }
            #expect(try await winners(.restore, .restore, cloud, machine) == 1)
            #expect(try await allocated(cloud) == [1, 512, 5])
            try await cloud.audit()
        }
    }

    @Test("A node that falls silent in between leaves it UNKNOWN with its claims, and the restore waits for the node")
    func silentNode() async throws {
        try await Cloud.with { cloud in
            let node = try await SpeakingNode("one", in: cloud)
            let machine = try await cloud.createOne()
            try await node.converge()
            try await hibernate(cloud, machine)
            try await cloud.execute("UPDATE compute_node SET state = 'silent'")
            #expect(try await cloud.now(machine)?.status == .hibernating)
            #expect(try await allocated(cloud) == [1, 512, 5])
            try await node.converge()
            try await cloud.execute("UPDATE compute_node SET state = 'silent'")
            #expect(try await cloud.now(machine)?.status == .unknown)
            await expectRefusal(.noCapacity, "not reporting: 1") { try await cloud.perform(.restore, machine) }
            try await cloud.audit()
        }
    }
}
