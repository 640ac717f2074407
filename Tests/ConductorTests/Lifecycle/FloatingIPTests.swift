// SPDX-License-Identifier: Apache-2.0

import Conductor
import GantryModel
import GantryProtocol
import Postgres
import Testing

@Suite("A floating IP comes to a machine and goes, and is never two machines' at once")
struct FloatingIPTests {
    /// How many addresses machines hold.
    private func held(_ cloud: Cloud) async throws -> Int {
        try await cloud.number("SELECT count(*) AS number FROM floating_ip WHERE vm_id IS NOT NULL")
    }

    private func attach(_ cloud: Cloud, _ machine: VirtualMachineRecord) async throws {
        try await cloud.lifecycle.attachFloatingIP(to: machine.id, in: cloud.organization, by: cloud.user)
    }

    private func detach(_ cloud: Cloud, _ machine: VirtualMachineRecord) async throws {
        try await cloud.lifecycle.detachFloatingIP(from: machine.id, in: cloud.organization, by: cloud.user)
    }

    @Test("ATTACHING until the node has it, DETACHING and still held until the node has given it up")
    func life() async throws {
        try await Cloud.with { cloud in
            let node = try await SpeakingNode("one", in: cloud)
            let machine = try await cloud.createOne()
            try await node.converge()
            try await attach(cloud, machine)
            let attaching = try #require(try await cloud.now(machine))
            #expect((attaching.floatingIPStatus, attaching.status) == ("ATTACHING", .active))
            #expect(try await cloud.task(machine).spec?.network.floatingIP == attaching.floatingIP)
            await expectRefusal(.conflict, "is being given a floating IP already") { try await attach(cloud, machine) }
            try await node.converge()
            await expectRefusal(.wrongState, "has a floating IP already") { try await attach(cloud, machine) }
            #expect(try await cloud.now(machine)?.floatingIPStatus == "ATTACHED")
            try await detach(cloud, machine)
            #expect(try await cloud.now(machine)?.floatingIPStatus == "DETACHING")
            #expect(try await cloud.task(machine).spec?.network.floatingIP == nil)
            #expect(try await held(cloud) == 1)
            await expectRefusal(.conflict, "giving up") { try await attach(cloud, machine) }
            await expectRefusal(.conflict, "already") { try await detach(cloud, machine) }
            try await cloud.audit()
            try await node.converge()
            #expect(try await cloud.now(machine)?.floatingIPStatus == "NO FLOATING IP")
            #expect(try await held(cloud) == 0)
            await expectRefusal(.wrongState, "no floating IP to detach") { try await detach(cloud, machine) }
            let events = try await cloud.store.events(of: machine.id, in: cloud.organization)
            #expect(
                events?.map(\.reason).suffix(4) == [
                    "AttachFloatingIPToInstanceRequest", "AttachFloatingIPToInstanceSuccess",
                    "DetachFloatingIPToInstanceRequest", "DetachFloatingIPToInstanceSuccess",
                ]
            )
            try await cloud.audit()
        }
    }

    @Test("A report of an older generation, or of a failure, neither frees an address nor says that it is attached")
    func lateReports() async throws {
        try await Cloud.with(pool: "203.0.113.8/32") { cloud in
            let node = try await SpeakingNode("one", in: cloud)
            let (machine, other) = (try await cloud.createOne(), try await cloud.createOne())
            try await node.converge()
            let without = try await cloud.task(machine)
            try await attach(cloud, machine)
            var early = without.done()
            early.floatingIPWired = true
            try await node.report([early])
            #expect(try await cloud.now(machine)?.floatingIPStatus == "ATTACHING")
            let with = try await cloud.task(machine)
            try await node.report([with.done()])
            try await detach(cloud, machine)
            try await node.report([without.done(), with.done()])
            try await node.report([try await cloud.task(machine).done(fault: Fault(.hostNetworkFailed, "No."))])
            #expect(try await cloud.now(machine)?.floatingIPStatus == "DETACHING")
            await expectRefusal(.noFloatingIP, "no free floating IP") { try await attach(cloud, other) }
            #expect(try await cloud.now(other)?.generation == Generation(1))
            try await node.converge()
            try await attach(cloud, other)
            try await cloud.audit()
        }
    }

    @Test("An address that the node cannot wire or give up is told as failed, once each, and as done when it is")
    func failures() async throws {
        try await Cloud.with { cloud in
            let node = try await SpeakingNode("one", in: cloud)
            let machine = try await cloud.createOne(cloud.request(callingBack: "https://example.com/"))
            try await node.converge()
            for change in [attach, detach] {
                try await change(cloud, machine)
                for words in ["No.", "Still no."] {
                    try await node.report([cloud.task(machine).done(fault: Fault(.hostNetworkFailed, words))])
                }
                try await node.converge()
                try await node.converge()
            }
            let events = try await cloud.store.events(of: machine.id, in: cloud.organization)?.map(\.reason)
            #expect(
                events?.filter { $0.contains("FloatingIP") } == [
                    "AttachFloatingIPToInstanceRequest", "AttachFloatingIPToInstanceFailed",
                    "AttachFloatingIPToInstanceSuccess", "DetachFloatingIPToInstanceRequest",
                    "DetachFloatingIPToInstanceFailed", "DetachFloatingIPToInstanceSuccess",
                ]
            )
            let told = try await cloud.deliveries().map { "\($0.operation) \($0.status)" }
            #expect(
                told.filter { $0.contains("FloatingIP") } == [
                    "attachFloatingIP ATTACHING", "attachFloatingIP FAILED", "attachFloatingIP ATTACHED",
                    "detachFloatingIP DETACHING", "detachFloatingIP FAILED", "detachFloatingIP DETACHED",
                ]
            )
            let addressed = try await cloud.number(
                """
                SELECT count(*) AS number FROM callback_delivery
                WHERE resource_status IN ('ACTIVE', 'ERROR') AND floating_ip IS NOT NULL
                """
            )
            #expect(addressed == 5, "all but DETACHED")
        }
    }

    @Test("Of many that want the last address at once, exactly one gets it")
    func lastAddress() async throws {
        try await Cloud.with(pool: "203.0.113.8/32") { cloud in
            let node = try await SpeakingNode("one", in: cloud)
            let machines = try await cloud.lifecycle.create(cloud.request("web", count: 8)).machines
            try await node.converge()
            let winners = await withTaskGroup { group in
                for machine in machines {
                    group.addTask { (try? await attach(cloud, machine)) != nil }
                }
                return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(winners == 1)
            try await cloud.audit()
        }
    }

    @Test("What is off keeps, gets and gives up an address too; deletion gives up what is being detached")
    func shutOff() async throws {
        try await Cloud.with { cloud in
            let node = try await SpeakingNode("one", in: cloud)
            let machine = try await cloud.createOne()
            await expectRefusal(.conflict, "is CREATING; try again") { try await attach(cloud, machine) }
            try await node.converge()
            try await cloud.perform(.stop, machine)
            await expectRefusal(.conflict, "is STOPPING; try again") { try await attach(cloud, machine) }
            try await node.converge()
            try await attach(cloud, machine)
            try await node.converge()
            #expect(try await cloud.now(machine)?.floatingIPStatus == "ATTACHED")
            try await cloud.perform(.start, machine)
            #expect(try await cloud.now(machine)?.floatingIPStatus == "ATTACHED")
            try await node.converge()
            #expect(try await cloud.now(machine)?.status == .active)
            try await detach(cloud, machine)
            try await cloud.perform(.delete, machine)
            #expect(try await held(cloud) == 1)
            try await node.converge()
            #expect(try await held(cloud) == 0)
            try await cloud.audit()
        }
    }
}
