// SPDX-License-Identifier: Apache-2.0

import Conductor
import GantryModel
import GantryProtocol
import Postgres
import Testing

@Suite("A machine that is off gets another flavor on its node, or nothing changes")
struct ResizeTests {
    private func resize(_ cloud: Cloud, _ machine: VirtualMachineRecord, _ flavor: String) async throws {
        try await cloud.lifecycle.resize(machine.id, to: flavor, in: cloud.organization, by: cloud.user)
    }

    private func add(_ cloud: Cloud, _ name: String, _ vcpus: Int, _ memory: Int, _ disk: Int) async throws {
        try await cloud.execute(
            """
            INSERT INTO flavor (region_id, name, vcpus, memory_mib, disk_gib)
            VALUES (\(cloud.region), \(name), \(vcpus), \(memory), \(disk))
            """
        )
    }

    @Test("Claims follow the flavor up and down; the disk grows and never shrinks")
    func upAndDown() async throws {
        try await Cloud.with { cloud in
            let node = try await SpeakingNode("one", in: cloud)
            try await add(cloud, "large", 4, 2048, 20)
            let machine = try await cloud.createOne()
            await expectRefusal(.conflict, "is CREATING; try again") { try await resize(cloud, machine, "large") }
            try await node.converge()
            await expectRefusal(.wrongState, "when it is SHUTOFF or HIBERNATED") {
                try await resize(cloud, machine, "large")
            }
            try await cloud.perform(.stop, machine)
            try await node.converge()
            try await resize(cloud, machine, "large")
            let large = try #require(try await cloud.now(machine))
            #expect((large.flavor.name, large.status) == ("large", .shutoff))
            let size = try #require(try await cloud.task(machine).spec?.resources)
            #expect(size == Resources(vcpus: 4, memoryMiB: 2048, diskGiB: 20))
            #expect(try await cloud.task(machine).generation == large.generation)
            try await cloud.audit()
            try await node.converge()
            try await resize(cloud, machine, "small")
            #expect(try await cloud.task(machine).spec?.resources.diskGiB == 20)
            #expect(try await cloud.number("SELECT allocated_disk_gib AS number FROM compute_node") == 20)
            await expectRefusal(.wrongState, "already") { try await resize(cloud, machine, "small") }
            await expectRefusal(.notFound, "no flavor “none”") { try await resize(cloud, machine, "none") }
            try await cloud.audit()
        }
    }

    @Test("On a node of huge pages another flavor's memory has to be whole pages")
    func hugePages() async throws {
        try await Cloud.with { cloud in
            let node = try await SpeakingNode("one", in: cloud)
            try await add(cloud, "half", 1, 1536, 10)
            try await add(cloud, "whole", 1, 2048, 10)
            let machine = try await cloud.createOne()
            try await node.converge()
            try await cloud.perform(.stop, machine)
            try await node.converge()
            try await cloud.execute("UPDATE compute_node SET memory_page_mib = 1024")
            await expectRefusal(.neverFits, "huge pages") { try await resize(cloud, machine, "half") }
            try await resize(cloud, machine, "whole")
            #expect(try await cloud.now(machine)?.flavor.name == "whole")
            try await cloud.audit()
        }
    }

    @Test("A machine that boots from a volume has no disk of its own with a larger flavor either")
    func bootVolume() async throws {
        try await Cloud.with { cloud in
            let node = try await SpeakingNode("one", in: cloud)
            try await cloud.addPool("local", .local)
            try await add(cloud, "large", 4, 2048, 20)
            var request = cloud.request("rooted")
            request.boot = .newVolume
            let machine = try await cloud.createOne(request)
            try await node.converge()
            try await cloud.perform(.stop, machine)
            try await node.converge()
            try await resize(cloud, machine, "large")
            let spec = try #require(try await cloud.task(machine).spec)
            #expect(spec.resources == Resources(vcpus: 4, memoryMiB: 2048, diskGiB: 0))
            #expect(spec.rootVolume?.sizeGiB == 5)
            #expect(try await allocated(cloud) == [4, 2048, 5])
            try await cloud.audit()
        }
    }

    @Test("What does not fit beside the others of its node is refused with the counts, and nothing changes")
    func noRoom() async throws {
        try await Cloud.with { cloud in
            let node = try await SpeakingNode(
                "one",
                in: cloud,
                total: Resources(vcpus: 4, memoryMiB: 4096, diskGiB: 100)
            )
            try await add(cloud, "large", 4, 1024, 5)
            let machines = try await cloud.lifecycle.create(cloud.request("web", count: 2)).machines
            try await node.converge()
            try await cloud.perform(.stop, machines[0])
            try await node.converge()
            let before = try await cloud.now(machines[0])
            await expectRefusal(.noCapacity, "Of 1 node: too few vCPUs: 1.") {
                try await resize(cloud, machines[0], "large")
            }
            let after = try await cloud.now(machines[0])
            #expect((after?.generation, after?.flavor) == (before?.generation, before?.flavor))
            try await cloud.audit()
        }
    }

    @Test("GPUs change while it holds none; they are claimed when it is restored")
    func gpus() async throws {
        try await Cloud.with { cloud in
            let node = try await SpeakingNode("one", in: cloud)
            let machine = try await cloud.createOne()
            try await node.converge()
            try await cloud.perform(.stop, machine)
            try await node.converge()
            await expectRefusal(.wrongState, "when it is HIBERNATED") { try await resize(cloud, machine, "gpu") }
            try await cloud.perform(.start, machine)
            try await node.converge()
            try await cloud.perform(.hibernate, machine)
            try await node.converge()
            try await resize(cloud, machine, "gpu")
            try await node.converge()
            #expect(try await cloud.now(machine)?.status == .hibernated)
            await expectRefusal(.neverFits, "no GPU of the type: 1") { try await cloud.perform(.restore, machine) }
            try await cloud.audit()
        }
    }

    @Test("Of a start and a resize at once, and of many resizes, claims stay the sums of the machines")
    func races() async throws {
        try await Cloud.with { cloud in
            let node = try await SpeakingNode("one", in: cloud)
            try await add(cloud, "large", 4, 2048, 20)
            let machine = try await cloud.createOne()
            try await node.converge()
            try await cloud.perform(.stop, machine)
            try await node.converge()
            let resized = await withTaskGroup { group in
                for _ in 0..<4 { group.addTask { (try? await resize(cloud, machine, "large")) != nil } }
                group.addTask {
                    try? await cloud.perform(.start, machine)
                    return false
                }
                return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(resized <= 1)
            try await cloud.audit()
        }
    }
}
