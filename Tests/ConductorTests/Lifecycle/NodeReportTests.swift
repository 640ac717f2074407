// SPDX-License-Identifier: Apache-2.0

import Conductor
import GantryModel
import GantryProtocol
import Postgres
import Testing

@Suite("Reports of nodes")
struct NodeReportTests {
    @Test("A report of an ended epoch is refused and frees nothing")
    func outdatedEpoch() async throws {
        try await Cloud.with { cloud in
            let node = try await SpeakingNode("one", in: cloud)
            let machine = try await cloud.createOne()
            try await cloud.perform(.delete, machine)
            let gone = try await cloud.task(machine).done()
            try await node.openSession()
            let own = await #expect(throws: NodeRefusal.self) { try await node.report([gone], epoch: 1) }
            #expect(own?.reason == .overtaken)
            try await node.openSession(bootID: "another")
            let refusal = await #expect(throws: NodeRefusal.self) { try await node.report([gone], epoch: 2) }
            #expect(refusal?.reason == .outdated)
            #expect(try await cloud.now(machine)?.status == .deleting)
            try await cloud.audit()
        }
    }

    @Test("A report that is late, or comes twice, changes nothing: an address given to another stays there")
    func lateReport() async throws {
        try await Cloud.with(subnet: "10.1.0.0/30", pool: "203.0.113.0/32") { cloud in
            let node = try await SpeakingNode("one", in: cloud)
            var request = cloud.request()
            request.assignFloatingIP = true
            let first = try await cloud.createOne(request)
            try await cloud.perform(.delete, first)
            let gone = try await cloud.task(first).done()
            try await node.report([gone], sequence: 7)
            let second = try await cloud.createOne(request)
            #expect(second.privateAddress == first.privateAddress)
            #expect(second.floatingIP == first.floatingIP)
            try await node.report([gone], sequence: 7)
            try await node.report([gone], sequence: 3)
            try await node.report([gone], sequence: 9)
            #expect(try await cloud.now(second)?.floatingIP == first.floatingIP)
            try await cloud.audit()
        }
    }

    @Test("A report that was overtaken by a later one says nothing any more")
    func overtaken() async throws {
        try await Cloud.with { cloud in
            let node = try await SpeakingNode("one", in: cloud)
            let machine = try await cloud.createOne()
            try await node.converge()
            let running = try await cloud.task(machine).done()
            try await cloud.perform(.stop, machine)
            try await node.report([try await cloud.task(machine).done()], sequence: 20)
            for sequence in [Int64(19), 20] {
                try await node.report([running], sequence: sequence)
                #expect(try await cloud.now(machine)?.situation.powerState == "SHUTDOWN")
            }
            try await node.report([running], sequence: 21)
            #expect(try await cloud.now(machine)?.situation.powerState == "RUNNING")
        }
    }

    @Test("Absence at an older generation, or without being wanted, frees nothing")
    func absenceFreesNothing() async throws {
        try await Cloud.with { cloud in
            let node = try await SpeakingNode("one", in: cloud)
            let machine = try await cloud.createOne()
            try await node.converge()
            let running = try await cloud.task(machine)
            try await node.report([running.done(power: .absent)])
            #expect(try await cloud.now(machine)?.status == .starting)
            try await cloud.perform(.delete, machine)
            try await node.report([running.done(power: .absent)])
            try await node.report([], complete: true)
            #expect(try await cloud.now(machine)?.status == .deleting)
            try await cloud.audit()
        }
    }

    @Test("A node speaks for its own machines only")
    func foreign() async throws {
        try await Cloud.with { cloud in
            let one = try await SpeakingNode("one", in: cloud)
            let machine = try await cloud.createOne()
            let two = try await SpeakingNode("two", in: cloud)
            try await cloud.perform(.delete, machine)
            let gone = try await cloud.task(machine).done()
            try await two.report([gone])
            #expect(try await cloud.now(machine)?.status == .deleting)
            try await one.report([gone])
            #expect(try await cloud.now(machine) == nil)
            try await cloud.audit()
        }
    }

    @Test("A hypervisor that does not answer makes its machines UNKNOWN, and an answer heals them")
    func hypervisorUnreachable() async throws {
        try await Cloud.with { cloud in
            let node = try await SpeakingNode("one", in: cloud)
            let machines = try await cloud.lifecycle.create(cloud.request(count: 2)).machines
            try await node.converge()
            let seen = try await cloud.task(machines[0]).done()
            try await node.report([seen], reachable: false)
            #expect(try await cloud.now(machines[0])?.status == .active)
            #expect(try await cloud.now(machines[1])?.status == .unknown)
            #expect(try await cloud.now(machines[1])?.situation.powerState == "NO_STATE")
            try await cloud.audit()
            try await node.converge()
            #expect(try await cloud.now(machines[1])?.status == .active)
        }
    }

    @Test("A guest that shuts itself down is wanted stopped, and the node is told")
    func guestShutDown() async throws {
        try await Cloud.with { cloud in
            let node = try await SpeakingNode("one", in: cloud)
            let machine = try await cloud.createOne()
            try await node.converge()
            let before = try await node.desired()?.revision
            let receipt = try await node.report([
                try await cloud.task(machine).done(power: .stopped, guestShutDown: true)
            ])
            #expect(try await cloud.now(machine)?.status == .shutoff)
            #expect(receipt.revision > (before ?? .max))
            #expect(try await cloud.task(machine).power == .stopped)
            try await cloud.perform(.start, machine)
            try await node.converge()
            #expect(try await cloud.now(machine)?.status == .active)
        }
    }

    @Test("A node that cannot build a machine is cleared before another gets it, addresses staying the same")
    func eviction() async throws {
        try await Cloud.with { cloud in
            let one = try await SpeakingNode("one", in: cloud)
            var request = cloud.request()
            request.assignFloatingIP = true
            let machine = try await cloud.createOne(request)
            let two = try await SpeakingNode("two", in: cloud)
            let fault = Fault(.hostDiskFull, "The disk is full.")
            try await one.report([try await cloud.task(machine).done(power: .absent, fault: fault)])
            let evicting = try await cloud.task(machine)
            #expect(evicting.node == one.identity.name)
            #expect(evicting.power == .absent)
            #expect(try await cloud.now(machine)?.node?.id == one.identity.id)
            #expect(try await two.desired()?.machines.isEmpty == true)
            try await cloud.audit()
            try await one.report([evicting.done()])
            let moved = try await cloud.now(machine)
            #expect(moved?.node?.id == two.identity.id)
            #expect(moved?.status == .creating)
            #expect(moved?.floatingIP == machine.floatingIP)
            #expect(moved?.privateAddress == machine.privateAddress)
            #expect(
                try await cloud.number(
                    "SELECT allocated_vcpus AS number FROM compute_node WHERE id = \(one.identity.id)"
                ) == 0
            )
            try await cloud.audit()
            try await two.converge()
            #expect(try await cloud.now(machine)?.status == .active)
        }
    }

    @Test("When no other node is left, the machine is in ERROR with both reasons, and can be deleted at once")
    func evictionWithoutPlace() async throws {
        try await Cloud.with { cloud in
            let one = try await SpeakingNode("one", in: cloud)
            let machine = try await cloud.createOne()
            let fault = Fault(.hypervisorRefused, "The hypervisor said no.")
            try await one.report([try await cloud.task(machine).done(power: .absent, fault: fault)])
            try await one.report([try await cloud.task(machine).done()])
            let failed = try await cloud.now(machine)
            #expect(failed?.status == .error)
            #expect(failed?.node == nil)
            #expect(failed?.fault?.code == .noCapacity)
            #expect(failed?.fault?.message.contains("The hypervisor said no.") == true)
            try await cloud.audit()
            try await cloud.perform(.delete, machine)
            #expect(try await cloud.now(machine) == nil)
            try await cloud.audit()
        }
    }

    @Test("A node ahead of a restored database gets what is wanted again, newer than what it has")
    func restoredDatabase() async throws {
        try await Cloud.with { cloud in
            let node = try await SpeakingNode("one", in: cloud)
            let machine = try await cloud.createOne()
            var ahead = try await cloud.task(machine).done(power: .absent)
            ahead.appliedGeneration = Generation(41)
            try await node.report([ahead])
            #expect(try await cloud.task(machine).generation == Generation(42))
            #expect(try await cloud.now(machine)?.status == .creating)
            try await node.converge()
            #expect(try await cloud.now(machine)?.status == .active)
        }
    }

    @Test("A node that names problems takes no new machines until it is well")
    func unhealthy() async throws {
        try await Cloud.with { cloud in
            let node = try await SpeakingNode("one", in: cloud)
            try await node.report(problems: ["libvirtd does not answer"])
            let refusal = await #expect(throws: MachineRefusal.self) { try await cloud.createOne() }
            #expect(refusal?.message.contains("unhealthy: 1") == true)
            try await node.report()
            _ = try await cloud.createOne()
        }
    }

    @Test("The desired state is sent again only when something is wanted anew")
    func desiredRevision() async throws {
        try await Cloud.with { cloud in
            let node = try await SpeakingNode("one", in: cloud)
            let empty = try #require(try await node.desired())
            #expect(try await node.desired(unless: empty.revision) == nil)
            let machine = try await cloud.createOne()
            let full = try #require(try await node.desired(unless: empty.revision))
            #expect(full.machines.map(\.uuid) == [machine.uuid])
            #expect(full.floatingIPPools.map(\.description) == ["203.0.113.0/24"])
            try await node.converge()
            #expect(try await node.desired(unless: full.revision) == nil)
        }
    }
}
