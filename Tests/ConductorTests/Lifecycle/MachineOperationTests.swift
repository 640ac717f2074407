// SPDX-License-Identifier: Apache-2.0

import Conductor
import GantryModel
import GantryProtocol
import Postgres
import Testing

@Suite("What tenants ask of machines, and what their nodes make of it")
struct MachineOperationTests {
    @Test("A machine is created, stopped, started, rebooted and deleted, and then nothing of it is left")
    func life() async throws {
        try await Cloud.with { cloud in
            let node = try await SpeakingNode("one", in: cloud)
            var request = cloud.request("web")
            request.assignFloatingIP = true
            let machine = try await cloud.createOne(request)
            let task = try await cloud.task(machine)
            #expect(task.power == .running)
            #expect(task.spec?.authorizedKeys == ["ssh-ed25519 AAAA ada"])
            #expect(task.spec?.network.floatingIP == machine.floatingIP)
            try await node.report([
                MachineReport(
                    uuid: machine.uuid,
                    appliedGeneration: Generation(0),
                    power: .absent,
                    activity: Activity(step: "image", percent: 40)
                )
            ])
            #expect(try await cloud.now(machine)?.status == .build)
            try await node.converge()
            #expect(try await cloud.now(machine)?.status == .active)
            #expect(try await cloud.now(machine)?.floatingIPStatus == "ATTACHED")
            for (operation, during, after) in [
                (MachineOperation.stop, MachineStatus.stopping, MachineStatus.shutoff),
                (.start, .starting, .active), (.hardReboot, .rebooting, .active),
            ] {
                try await cloud.perform(operation, machine)
                #expect(try await cloud.now(machine)?.status == during)
                try await node.converge()
                #expect(try await cloud.now(machine)?.status == after)
            }
            #expect(try await cloud.task(machine).bootCounter == 2)
            try await cloud.perform(.delete, machine)
            #expect(try await cloud.now(machine)?.status == .deleting)
            #expect(try await cloud.task(machine).spec == nil)
            let events = try await cloud.store.events(of: machine.id, in: cloud.organization)
            #expect(
                events?.map(\.reason) == [
                    "InstanceCreationRequest", "AttachFloatingIPToInstanceSuccess", "InstanceCreationSuccess",
                    "InstanceStopRequest", "InstanceStopSuccess", "InstanceStartRequest", "InstanceStartSuccess",
                    "InstanceRebootRequest", "InstanceRebootSuccess", "InstanceDeleteRequest",
                ]
            )
            try await cloud.audit()
            try await node.converge()
            #expect(try await cloud.now(machine) == nil)
            #expect(try await node.desired()?.machines.isEmpty == true)
            #expect(try await cloud.number("SELECT allocated_vcpus AS number FROM compute_node") == 0)
            try await cloud.audit()
            _ = try await cloud.createOne(cloud.request("web"))
        }
    }

    @Test("An operation that the state does not allow is refused and changes nothing")
    func refused() async throws {
        try await Cloud.with { cloud in
            _ = try await SpeakingNode("one", in: cloud)
            let machine = try await cloud.createOne()
            for operation in [MachineOperation.start, .stop, .hardReboot] {
                let refusal = await #expect(throws: MachineRefusal.self) {
                    try await cloud.perform(operation, machine)
                }
                #expect(refusal?.reason == .conflict)
                #expect(refusal?.message.contains("is CREATING") == true)
            }
            let foreign = await #expect(throws: MachineRefusal.self) {
                try await cloud.lifecycle.perform(.delete, on: machine.id, in: OrganizationID(99), by: nil)
            }
            #expect(foreign?.reason == .notFound)
            #expect(try await cloud.now(machine)?.generation == Generation(1))
            #expect(try await cloud.number("SELECT count(*) AS number FROM task_outbox") == 1)
        }
    }

    @Test("Deletion works in every phase, and asking again changes nothing", arguments: MachinePhase.allCases)
    func deleteFromEveryPhase(phase: MachinePhase) async throws {
        guard phase != .deleted else { return }
        try await Cloud.with { cloud in
            let node = try await SpeakingNode("one", in: cloud)
            let machine = try await cloud.createOne()
            try await cloud.execute("UPDATE virtual_machine SET phase = \(phase)")
            if phase == .deleting { try await cloud.execute("UPDATE virtual_machine SET desired = 'absent'") }
            try await cloud.perform(.delete, machine)
            let generation = try await cloud.now(machine)?.generation
            try await cloud.perform(.delete, machine)
            #expect(try await cloud.now(machine)?.status == .deleting)
            #expect(try await cloud.now(machine)?.generation == generation)
            try await node.converge()
            #expect(try await cloud.now(machine) == nil)
            try await cloud.audit()
        }
    }

    @Test("Labels are replaced as a whole")
    func labels() async throws {
        try await Cloud.with { cloud in
            try await cloud.addNode("one")
            var request = cloud.request("web")
            request.labels = ["a", "b"]
            let machine = try await cloud.createOne(request)
            let changed = try await cloud.lifecycle.setLabels(["c", "b", "c"], of: machine.id, in: cloud.organization)
            #expect(changed.labels == ["b", "c"])
            let found = try await cloud.store.machines(
                called: "c",
                inEnvironment: "default",
                of: cloud.organization,
                limit: 10
            )
            #expect(found?.labelled.map(\.id) == [machine.id])
        }
    }

    @Test("Lists have pages, a search and a filter by environment")
    func lists() async throws {
        try await Cloud.with { cloud in
            try await cloud.addNode("one")
            _ = try await cloud.lifecycle.create(cloud.request("web", count: 5))
            var labelled = cloud.request("db")
            labelled.labels = ["prod"]
            _ = try await cloud.lifecycle.create(labelled)
            let all = try await cloud.store.machines(in: cloud.organization, MachineQuery())
            #expect(all.machines.map(\.name) == ["web-1", "web-2", "web-3", "web-4", "web-5", "db"])
            #expect(all.count == 6)
            let second = try await cloud.store.machines(in: cloud.organization, MachineQuery(page: 2, pageSize: 4))
            #expect(second.machines.map(\.name) == ["web-5", "db"])
            #expect(second.count == 6)
            for (query, names) in [
                (MachineQuery(search: "EB-3"), ["web-3"]), (MachineQuery(search: "prod"), ["db"]),
                (MachineQuery(environment: "DEF"), all.machines.map(\.name)),
                (MachineQuery(environment: "def", exactEnvironment: true), []), (MachineQuery(search: "%"), []),
            ] {
                let page = try await cloud.store.machines(in: cloud.organization, query)
                #expect(page.machines.map(\.name) == names)
            }
            #expect(try await cloud.store.machines(in: OrganizationID(99), MachineQuery()).count == 0)
        }
    }
}
