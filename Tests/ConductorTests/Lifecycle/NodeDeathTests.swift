// SPDX-License-Identifier: Apache-2.0

import Conductor
import GantryModel
import GantryProtocol
import Postgres
import Testing

@Suite("A silent node that an operator declared dead gives up its machines, and comes back without them")
struct NodeDeathTests {
    @Test("While it reports, or never came, that is refused; said twice it is the same")
    func refused() async throws {
        try await Cloud.with { cloud in
            let node = try await SpeakingNode("one", in: cloud)
            let up = await #expect(throws: NodeRefusal.self) { try await cloud.declareDead(node) }
            #expect(up?.reason == .conflict && up?.message.contains("reported 0 seconds ago") == true, "\(up)")
            try await cloud.silence(node)
            try await cloud.execute("UPDATE compute_node SET unsurveyed = true, awaited = true")
            try await cloud.declareDead(node)
            try await cloud.declareDead(node)
            // The region waits no longer for what its host would say after a restore.
            #expect(try await cloud.number("SELECT count(*) AS number FROM compute_node WHERE awaited") == 0)
            let record = try #require(try await cloud.nodes.node(node.identity.name))
            #expect((record.state, record.fencedBy) == (.dead, "power off by IPMI"))
            await cloud.reconcile()
            #expect(try await cloud.nodes.node(node.identity.name)?.state == .dead)
            try await cloud.execute("UPDATE compute_node SET state = 'new', declared_dead_at = NULL, fenced_by = NULL")
            await #expect(throws: NodeRefusal.self) { try await cloud.declareDead(node) }
        }
    }

    @Test(
        "What has nothing there starts elsewhere, what was being made is made elsewhere, what was being deleted is gone"
    )
    func elsewhere() async throws {
        try await Cloud.with { cloud in
            let one = try await SpeakingNode.mounting("one", gpus: 2, in: cloud)
            let movable = try await cloud.createMovable("movable", flavor: cloud.gpu, floatingIP: true)
            let (off, going) = (try await cloud.createMovable("off"), try await cloud.createOne())
            try await one.converge()
            try await cloud.perform(.stop, off)
            try await one.converge()
            let new = try await cloud.createOne()
            try await cloud.perform(.delete, going)
            let address = try await cloud.now(movable)?.floatingIP
            let two = try await SpeakingNode.mounting("two", gpus: 2, in: cloud)
            try await cloud.silence(one)
            try await cloud.declareDead(one)
            try await cloud.audit()
            #expect(try await cloud.now(going) == nil)
            #expect(try await [cloud.now(movable)?.status, cloud.now(off)?.status] == [.starting, .shutoff])
            for machine in [movable, off, new] { #expect(try await cloud.place(machine) == "two") }
            try await two.converge()
            #expect(try await [cloud.now(movable)?.status, cloud.now(new)?.status] == [.active, .active])
            #expect(try await cloud.now(movable)?.floatingIP == address)
            try await cloud.audit()
        }
    }

    @Test(
        "It comes back: it is told what to end, takes nothing new before that, and has again what it alone could have"
    )
    func comesBack() async throws {
        try await Cloud.with { cloud in
            let one = try await SpeakingNode.mounting("one", in: cloud)
            let (movable, kept) = (try await cloud.createMovable("movable"), try await cloud.createOne())
            let deleted = try await cloud.createOne()
            try await one.converge()
            let two = try await SpeakingNode.mounting("two", vcpus: 1, in: cloud)
            let old = try await one.desired()?.machines ?? []
            try await cloud.silence(one)
            try await cloud.declareDead(one)
            try await two.converge()

            let lost = try #require(try await cloud.now(kept))
            #expect((lost.status, lost.fault?.code) == (.error, .nodeDead))
            await expectRefusal(.wrongState, "declared dead") { try await cloud.perform(.hardReboot, kept) }
            try await cloud.perform(.delete, deleted)
            #expect(try await cloud.now(deleted) == nil)
            try await cloud.audit()

            let refusal = await #expect(throws: NodeRefusal.self) { try await one.report(old.map { $0.done() }) }
            #expect(refusal?.reason == .declaredDead)
            let held = old.map { HostedMachine(uuid: $0.uuid, isRunning: true, spec: $0.spec) }
            let session = try await one.openSession(machines: held)
            #expect(Set(session.abandoned.map(\.uuid)) == [movable.uuid, deleted.uuid])
            #expect(session.abandoned.allSatisfy { $0.power == .absent })
            // What it is told to end holds nothing until an operator's word.
            #expect(try await cloud.number("SELECT count(*) AS number FROM orphan") == 0)
            for task in session.abandoned {
                let known = try #require(old.first { $0.uuid == task.uuid })
                #expect(task.generation > known.generation)
            }
            #expect(try await one.desired()?.machines.map(\.uuid) == [kept.uuid])
            // What it says of the copies changes nothing of the machines.
            try await one.report(old.map { $0.done() })
            #expect(try await cloud.now(movable)?.status == .active)
            #expect(try await cloud.place(movable) == "two")
            #expect(try await cloud.now(kept)?.status == .active)
            #expect(try await cloud.now(kept)?.fault == nil)
            #expect(try await cloud.nodes.node(one.identity.name)?.schedulable == false)
            await expectRefusal(.noCapacity, "not reporting: 1") { _ = try await cloud.createOne() }
            try await one.report([session.abandoned[0].done()])
            #expect(try await cloud.nodes.node(one.identity.name)?.schedulable == false)
            try await one.report([session.abandoned[1].done()])
            let back = try #require(try await cloud.nodes.node(one.identity.name))
            #expect(back.schedulable && back.declaredDeadAt == nil && back.fencedBy == nil)
            #expect(try await one.openSession().abandoned.isEmpty)
            _ = try await cloud.createOne()
            try await cloud.audit()
        }
    }

    @Test("A node that has nothing to end takes machines with its first report")
    func nothingToEnd() async throws {
        try await Cloud.with { cloud in
            let node = try await SpeakingNode("one", in: cloud)
            try await cloud.silence(node)
            try await cloud.declareDead(node)
            try await node.openSession()
            #expect(try await cloud.nodes.node(node.identity.name)?.schedulable == false)
            try await node.report()
            #expect(try await cloud.nodes.node(node.identity.name)?.schedulable == true)
        }
    }

    @Test("Without room elsewhere a machine waits off, and starts where there is room, also on the node itself")
    func noRoom() async throws {
        try await Cloud.with { cloud in
            let one = try await SpeakingNode.mounting("one", in: cloud)
            let machine = try await cloud.createMovable("movable")
            try await one.converge()
            try await cloud.silence(one)
            try await cloud.declareDead(one)
            #expect(try await cloud.now(machine)?.status == .shutoff)
            #expect(try await cloud.now(machine)?.fault?.code == .noCapacity)
            let session = try await one.openSession()
            await cloud.reconcile()
            #expect(try await cloud.now(machine)?.node == nil)
            try await one.report(session.abandoned.map { $0.done() })
            await cloud.reconcile()
            try await one.converge()
            #expect(try await cloud.now(machine)?.status == .active)
            try await cloud.audit()
        }
    }

    @Test("A report and the word that the node is dead at once: a node that was declared dead stays so")
    func atOnce() async throws {
        try await Cloud.with { cloud in
            let node = try await SpeakingNode("one", in: cloud)
            let machine = try await cloud.createOne()
            try await node.converge()
            for _ in 1...8 {
                try await cloud.silence(node)
                async let declared: Bool = (try? await cloud.declareDead(node)) != nil
                async let reported: Bool = (try? await node.report()) != nil
                let (isDead, isTaken) = (await declared, await reported)
                #expect(isDead || isTaken)
                let record = try #require(try await cloud.nodes.node(node.identity.name))
                #expect((record.state == .dead) == isDead)
                #expect((try await cloud.now(machine)?.fault?.code == .nodeDead) == isDead)
                try await node.openSession()
                try await node.converge()
                #expect(try await cloud.now(machine)?.status == .active)
                try await cloud.audit()
            }
        }
    }
}
