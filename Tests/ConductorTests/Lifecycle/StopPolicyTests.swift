// SPDX-License-Identifier: Apache-2.0

import Conductor
import GantryModel
import GantryProtocol
import Logging
import Postgres
import Testing

@Suite("A stop keeps what the machine claimed or frees all but its disk, by the policy of its flavor")
struct StopPolicyTests {
    /// A cloud whose flavors release on stop, with one node of that many vCPUs and GPUs.
    private func with(
        vcpus: Int = 16,
        gpus: Int = 0,
        _ body: (Cloud, SpeakingNode) async throws -> Void
    ) async throws {
        try await Cloud.with { cloud in
            try await cloud.execute("UPDATE flavor SET stop_policy = 'release'")
            let node = try await SpeakingNode(
                "one",
                in: cloud,
                total: Resources(vcpus: vcpus, memoryMiB: 65536, diskGiB: 1000),
                gpus: try (0..<gpus).map { try GPUInventory.example($0 + 1) }
            )
            try await body(cloud, node)
        }
    }

    private func running(_ cloud: Cloud, _ node: SpeakingNode) async throws -> VirtualMachineRecord {
        let machine = try await cloud.createOne()
        try await node.converge()
        return machine
    }

    private func stopped(_ cloud: Cloud, _ node: SpeakingNode) async throws -> VirtualMachineRecord {
        let machine = try await running(cloud, node)
        try await cloud.perform(.stop, machine)
        try await node.converge()
        return machine
    }

    @Test("Where it keeps, a stopped machine holds all that it held")
    func keep() async throws {
        try await Cloud.with { cloud in
            let node = try await SpeakingNode("one", in: cloud)
            _ = try await stopped(cloud, node)
            #expect(try await allocated(cloud) == [1, 512, 5])
            try await cloud.audit()
        }
    }

    @Test("Where it releases, that is free once the node has confirmed the stop, not before, and claimed by the start")
    func release() async throws {
        try await with { cloud, node in
            let machine = try await running(cloud, node)
            let earlier = try await cloud.task(machine)
            try await cloud.perform(.stop, machine)
            try await node.report([earlier.done(power: .stopped)])
            #expect(try await allocated(cloud) == [1, 512, 5])
            let busy = Fault(.hostCommandFailed, "busy")
            try await node.report([try await cloud.task(machine).done(fault: busy)])
            #expect(try await allocated(cloud) == [1, 512, 5])
            try await node.converge()
            #expect(try await cloud.now(machine)?.status == .shutoff)
            #expect(try await allocated(cloud) == [0, 0, 5])
            try await cloud.audit()
            try await node.converge()
            #expect(try await allocated(cloud) == [0, 0, 5])
            for operation in [MachineOperation.hibernate, .restore] {
                await expectRefusal(.wrongState, "is SHUTOFF") { try await cloud.perform(operation, machine) }
            }
            let off = try await cloud.task(machine)
            try await cloud.perform(.start, machine)
            #expect(try await allocated(cloud) == [1, 512, 5])
            try await node.report([off.done()])
            #expect(try await allocated(cloud) == [1, 512, 5])
            try await node.converge()
            #expect(try await cloud.now(machine)?.status == .active)
            try await cloud.audit()
        }
    }

    @Test("A guest that shuts itself down frees it too, once the node has taken note that it is to stay off")
    func byGuest() async throws {
        try await with { cloud, node in
            let machine = try await running(cloud, node)
            try await node.report([try await cloud.task(machine).done(power: .stopped, guestShutDown: true)])
            #expect(try await cloud.now(machine)?.status == .shutoff)
            #expect(try await allocated(cloud) == [1, 512, 5])
            try await node.converge()
            #expect(try await allocated(cloud) == [0, 0, 5])
            try await cloud.audit()
        }
    }

    @Test("A start before the node has taken note keeps what there is")
    func startAtOnce() async throws {
        try await with(vcpus: 1) { cloud, node in
            let machine = try await running(cloud, node)
            try await node.report([try await cloud.task(machine).done(power: .stopped, guestShutDown: true)])
            let off = try await cloud.task(machine)
            try await cloud.perform(.start, machine)
            try await node.report([off.done()])
            #expect(try await allocated(cloud) == [1, 512, 5])
            try await node.converge()
            #expect(try await cloud.now(machine)?.status == .active)
            try await cloud.audit()
        }
    }

    @Test("Where its node is full, the start is refused with the counts and changes nothing, until there is room")
    func noRoom() async throws {
        try await with(vcpus: 1) { cloud, node in
            let machine = try await stopped(cloud, node)
            let other = try await running(cloud, node)
            try await cloud.addNode("two")
            let before = try await cloud.now(machine)
            await expectRefusal(.noCapacity, "no other node can reach them. Of 1 node: too few vCPUs: 1.") {
                try await cloud.perform(.start, machine)
            }
            let after = try await cloud.now(machine)
            #expect((after?.status, after?.generation) == (.shutoff, before?.generation))
            try await cloud.audit()
            try await cloud.perform(.stop, other)
            await expectRefusal(.noCapacity, "too few vCPUs: 1") { try await cloud.perform(.start, machine) }
            try await node.converge()
            try await cloud.perform(.start, machine)
            await expectRefusal(.noCapacity, "too few vCPUs: 1") { try await cloud.perform(.start, other) }
            try await node.converge()
            #expect(try await cloud.now(machine)?.status == .active)
            try await cloud.audit()
        }
    }

    @Test("GPUs are cleaned before others get them, and others than before may come back")
    func gpus() async throws {
        try await with(gpus: 4) { cloud, node in
            let machine = try await cloud.createOne(cloud.request(flavor: cloud.gpu))
            try await node.converge()
            try await cloud.perform(.stop, machine)
            #expect(try await cloud.devices("allocated") == 2)
            try await node.converge()
            #expect((try await cloud.devices("sanitizing"), try await cloud.devices("free")) == (2, 2))
            #expect(try await cloud.task(machine).spec?.gpus.isEmpty == true)
            _ = try await cloud.createOne(cloud.request(flavor: cloud.gpu))
            await expectRefusal(.noCapacity, "too few free GPUs: 1") { try await cloud.perform(.start, machine) }
            try await node.clean()
            try await cloud.perform(.start, machine)
            #expect(try await cloud.task(machine).spec?.gpus.count == 2)
            try await cloud.audit()
        }
    }

    @Test("Stopped it takes another flavor, GPUs too, and its start claims the new size; the old policy goes with it")
    func resize() async throws {
        try await with(gpus: 2) { cloud, node in
            let machine = try await stopped(cloud, node)
            try await cloud.execute("UPDATE flavor SET stop_policy = 'keep' WHERE name = 'gpu'")
            try await cloud.lifecycle.resize(machine.id, to: "gpu", in: cloud.organization, by: cloud.user)
            try await node.converge()
            #expect(try await allocated(cloud) == [0, 0, 5])
            #expect(try await cloud.devices("free") == 2)
            try await cloud.perform(.start, machine)
            #expect(try await cloud.devices("allocated") == 2)
            try await node.converge()
            try await cloud.perform(.stop, machine)
            try await node.converge()
            #expect(try await allocated(cloud) == [1, 512, 5])
            await expectRefusal(.wrongState, "when it holds none") {
                try await cloud.lifecycle.resize(machine.id, to: "small", in: cloud.organization, by: cloud.user)
            }
            try await cloud.audit()
        }
    }

    @Test("Deleted before or after its stop is confirmed, nothing of it is left", arguments: [false, true])
    func deletion(confirmed: Bool) async throws {
        try await with { cloud, node in
            let machine = try await running(cloud, node)
            try await cloud.perform(.stop, machine)
            if confirmed { try await node.converge() }
            try await cloud.perform(.delete, machine)
            try await cloud.audit()
            try await node.converge()
            #expect(try await allocated(cloud) == [0, 0, 0])
            try await cloud.audit()
        }
    }

    @Test("A stop that took too long frees it when the node confirms it at last; a silent node frees nothing")
    func late() async throws {
        try await with { cloud, node in
            let machine = try await running(cloud, node)
            try await cloud.perform(.stop, machine)
            try await cloud.execute("UPDATE compute_node SET state = 'silent'")
            try await cloud.execute("UPDATE virtual_machine SET deadline_at = now() - interval '1 second'")
            await Reconciler(database: cloud.database, outbox: cloud.outbox, logger: Logger(label: "test")).round()
            #expect(try await cloud.now(machine)?.situation.phase == .error)
            #expect(try await allocated(cloud) == [1, 512, 5])
            try await node.converge()
            #expect(try await cloud.now(machine)?.status == .shutoff)
            #expect(try await allocated(cloud) == [0, 0, 5])
            try await cloud.audit()
        }
    }

    @Test("Of starts and creates by three conductors as many succeed as there is room for, and claims are made once")
    func races() async throws {
        try await with(vcpus: 4) { cloud, node in
            var machines: [VirtualMachineRecord] = []
            for _ in 0..<4 { machines.append(try await stopped(cloud, node)) }
            #expect(try await allocated(cloud) == [0, 0, 20])
            _ = try await running(cloud, node)
            let conductors = (0..<3)
                .map { _ in MachineLifecycle(database: cloud.anotherPool(), outbox: OutboxSignal()) }
            let won = await withTaskGroup(of: Bool.self) { group in
                for (turn, machine) in (machines + machines).enumerated() {
                    let conductor = conductors[turn % 3]
                    group.addTask {
                        let place = (cloud.organization, cloud.user)
                        return
                            (try? await conductor.perform(.start, on: machine.id, in: place.0, by: place.1)) != nil
                    }
                    group.addTask { turn < 4 ? (try? await conductor.create(cloud.request())) != nil : false }
                }
                return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(won == 3)
            #expect(try await allocated(cloud)[0] == 4)
            try await cloud.audit()
            try await node.converge()
            try await cloud.audit()
            let active = try await cloud.number("SELECT count(*) AS number FROM virtual_machine WHERE phase = 'active'")
            #expect(active == 4)
        }
    }
}
