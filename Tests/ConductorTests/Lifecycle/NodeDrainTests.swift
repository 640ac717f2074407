// SPDX-License-Identifier: Apache-2.0

import Conductor
import GantryModel
import GantryProtocol
import GantryTestSupport
import Postgres
import Synchronization
import Testing

@Suite("A drain stops the machines of a node, moves those that can be elsewhere, or waits")
struct NodeDrainTests {
    private func reasons(_ cloud: Cloud, _ machine: VirtualMachineRecord) async throws -> [String] {
        try #require(try await cloud.store.events(of: machine.id, in: cloud.organization)).map(\.reason)
    }

    @Test("To stop: all are stopped and stay, their owners read by whom and cannot start them before its end")
    func stop() async throws {
        try await Cloud.with { cloud in
            let node = try await SpeakingNode("one", in: cloud)
            let (running, off) = (try await cloud.createOne(), try await cloud.createOne())
            try await node.converge()
            try await cloud.perform(.stop, off)
            try await node.converge()

            try await cloud.drain(node, .stop)
            #expect(try await cloud.now(running)?.status == .stopping)
            #expect(try await cloud.drain(of: node)?.left == 1)
            #expect(try await cloud.drain(of: node)?.staying == 1)
            #expect(try await cloud.drain(of: node)?.finishedAt == nil)
            let stopped = try #require(try await cloud.store.events(of: running.id, in: cloud.organization)?.last)
            #expect(stopped.message.contains("by the operator") && stopped.userID == nil, "\(stopped)")
            try await node.converge()
            await cloud.reconcile()
            #expect(try await cloud.now(running)?.status == .shutoff)
            let drain = try #require(try await cloud.drain(of: node))
            #expect((drain.left, drain.staying) == (0, 2))
            let end = try #require(drain.finishedAt)
            await cloud.reconcile()
            #expect(try await cloud.drain(of: node)?.finishedAt == end)

            for machine in [running, off] {
                await expectRefusal(.conflict, "taken out of service") { try await cloud.perform(.start, machine) }
            }
            try await cloud.perform(.delete, off)
            try await node.converge()
            #expect(try await cloud.now(off) == nil)
            _ = try await cloud.nodes.uncordon(node.identity.name)
            await cloud.reconcile()
            #expect(try await cloud.now(running)?.status == .shutoff)
            try await cloud.perform(.start, running)
            try await node.converge()
            #expect(try await cloud.now(running)?.status == .active)
            #expect(try await cloud.drain(of: node) == nil)
            try await cloud.audit()
        }
    }

    @Test(
        "To move: what boots from a shared volume runs on another node, with its floating IP and other GPUs; the rest stays"
    )
    func move() async throws {
        try await Cloud.with { cloud in
            let one = try await SpeakingNode.mounting("one", gpus: 2, in: cloud)
            let movable = try await cloud.createMovable("movable", flavor: cloud.gpu, floatingIP: true)
            let rooted = try await cloud.createOne()
            try await one.converge()
            let two = try await SpeakingNode.mounting("two", gpus: 2, in: cloud)
            let address = try #require(try await cloud.now(movable)?.floatingIP)

            try await cloud.drain(one, .move)
            #expect(try await cloud.now(movable)?.status == .stopping)
            let listed = try #require(try await cloud.nodes.machines(of: one.identity.name)).elements
            #expect(listed.map(\.localState) == [nil, "its root disk is on the node"])
            #expect(listed.map(\.drain) == [.wait("it is stopping"), .leave("its root disk is on the node")])
            try await one.converge()
            await expectRefusal(.conflict, "is being moved") { try await cloud.perform(.start, movable) }
            await cloud.reconcile()
            // Its node has not given it up yet.
            #expect(try await cloud.place(movable) == "one")
            #expect(try await cloud.task(movable).power == .absent)
            try await cloud.audit()
            try await one.converge()
            #expect(try await cloud.place(movable) == "two")
            #expect(try await cloud.now(movable)?.status == .starting)
            try await cloud.audit()
            try await two.converge()
            let moved = try #require(try await cloud.now(movable))
            #expect((moved.status, moved.floatingIP) == (.active, address))
            #expect(try await cloud.now(rooted)?.status == .active)
            await cloud.reconcile()
            let drain = try #require(try await cloud.drain(of: one))
            #expect((drain.left, drain.staying) == (0, 1) && drain.finishedAt != nil, "\(drain)")
            #expect(
                try await reasons(cloud, movable).suffix(5) == [
                    "InstanceStopRequest", "InstanceStopSuccess", "InstanceRescheduled", "InstanceMoved",
                    "InstanceStartSuccess",
                ]
            )
            try await cloud.audit()
        }
    }

    @Test("Where no other node has room a machine runs on, and the drain says why until there is")
    func noRoom() async throws {
        try await Cloud.with { cloud in
            let one = try await SpeakingNode.mounting("one", in: cloud)
            let machine = try await cloud.createMovable("movable")
            try await one.converge()
            try await cloud.drain(one, .move)
            #expect(try await cloud.now(machine)?.status == .active)
            let obstacle = try #require(try await cloud.drain(of: one)?.obstacle)
            #expect(obstacle.contains("movable waits for a place") && obstacle.contains("cordoned: 1"), "\(obstacle)")
            _ = try await SpeakingNode.mounting("two", in: cloud)
            await cloud.reconcile()
            #expect(try await cloud.now(machine)?.status == .stopping)
            #expect(try await cloud.drain(of: one)?.obstacle == nil)
        }
    }

    @Test("A machine whose place was taken while it left waits for another, says so once, and may be deleted")
    func placeTaken() async throws {
        try await Cloud.with { cloud in
            let one = try await SpeakingNode.mounting("one", in: cloud)
            let machine = try await cloud.createMovable("movable")
            try await one.converge()
            let two = try await SpeakingNode.mounting("two", vcpus: 1, in: cloud)
            try await cloud.drain(one, .move)
            try await one.converge()
            await cloud.reconcile()
            let other = try await cloud.createMovable("other")
            try await one.converge()
            #expect(try await cloud.now(machine)?.node == nil)
            #expect(try await cloud.now(machine)?.status == .shutoff)
            #expect(try await cloud.now(machine)?.fault?.code == .noCapacity)
            for _ in 1...3 { await cloud.reconcile() }
            #expect(try await reasons(cloud, machine).count { $0 == "InstanceMoveDelayed" } == 1)
            await expectRefusal(.conflict, "waits for another") { try await cloud.perform(.start, machine) }
            try await cloud.audit()
            try await cloud.perform(.delete, other)
            try await two.converge()
            await cloud.reconcile()
            try await two.converge()
            #expect(try await cloud.now(machine)?.status == .active)
            #expect(try await cloud.now(machine)?.fault == nil)
            try await cloud.audit()

            try await cloud.drain(two, .move)
            try await two.converge()
            _ = try await cloud.nodes.uncordon(one.identity.name)
            await cloud.reconcile()
            try await two.converge()
            await cloud.reconcile()
            _ = try await cloud.nodes.cordon(one.identity.name, reason: "again")
            try await two.converge()
            #expect(try await cloud.now(machine)?.node == nil)
            try await cloud.perform(.delete, machine)
            #expect(try await cloud.now(machine) == nil)
            try await cloud.audit()
        }
    }

    @Test("What is off moves too, and stays off; it is restored where it is then")
    func off() async throws {
        try await Cloud.with { cloud in
            let one = try await SpeakingNode.mounting("one", in: cloud)
            let (off, asleep) = (try await cloud.createMovable("off"), try await cloud.createMovable("asleep"))
            try await one.converge()
            try await cloud.perform(.stop, off)
            try await cloud.perform(.hibernate, asleep)
            try await one.converge()
            let two = try await SpeakingNode.mounting("two", in: cloud)
            try await cloud.drain(one, .move)
            for _ in 1...3 {
                for node in [one, two] { try await node.converge() }
                await cloud.reconcile()
                try await cloud.audit()
            }
            #expect(try await [cloud.place(off), cloud.place(asleep)] == ["two", "two"])
            #expect(try await [cloud.now(off)?.status, cloud.now(asleep)?.status] == [.shutoff, .hibernated])
            #expect(try await allocated(cloud) == [1, 512, 0])
            #expect(try await cloud.drain(of: one)?.finishedAt != nil)
            try await cloud.perform(.restore, asleep)
            try await two.converge()
            #expect(try await cloud.now(asleep)?.status == .active)
            try await cloud.audit()
        }
    }

    @Test("A drain that ends in the middle starts again what it had stopped, on its own node")
    func ended() async throws {
        try await Cloud.with { cloud in
            let one = try await SpeakingNode.mounting("one", in: cloud)
            try await cloud.execute("UPDATE flavor SET stop_policy = 'release'")
            let machine = try await cloud.createMovable("movable")
            try await one.converge()
            _ = try await SpeakingNode.mounting("two", in: cloud)
            try await cloud.drain(one, .move)
            _ = try await cloud.nodes.uncordon(one.identity.name)
            try await one.converge()
            #expect(try await cloud.now(machine)?.status == .shutoff)
            await cloud.reconcile()
            #expect(try await cloud.now(machine)?.status == .starting)
            try await one.converge()
            #expect(try await cloud.now(machine)?.status == .active)
            #expect(try await cloud.place(machine) == "one")
            try await cloud.audit()
        }
    }

    @Test("Machines are moved one after the other, also by conductors that work at once")
    func together() async throws {
        try await Cloud.with { cloud in
            let one = try await SpeakingNode.mounting("one", in: cloud)
            var machines: [VirtualMachineRecord] = []
            for name in ["a", "b", "c"] { machines.append(try await cloud.createMovable(name)) }
            try await one.converge()
            let two = try await SpeakingNode.mounting("two", in: cloud)
            let node = try await cloud.nodes.drain(one.identity.name, .move, reason: "fans")
            for _ in 1...12 { try await advanceTogether(node.id, from: one, to: two, cloud) }
            for machine in machines {
                #expect(try await cloud.place(machine) == "two")
                #expect(try await reasons(cloud, machine).count { $0 == "InstanceStopRequest" } == 1)
            }
            #expect(try await cloud.drain(of: one)?.finishedAt != nil)
        }
    }

    /// Four conductors at once; no more than one of three machines is off then.
    private func advanceTogether(
        _ node: NodeID,
        from one: SpeakingNode,
        to two: SpeakingNode,
        _ cloud: Cloud
    ) async throws {
        try await withThrowingTaskGroup { group in
            for _ in 1...4 {
                group.addTask {
                    try await NodeDrain(database: cloud.anotherPool(), outbox: cloud.outbox).advance(node)
                }
            }
            try await group.waitForAll()
        }
        let running = try await cloud.number("SELECT count(*) AS number FROM virtual_machine WHERE phase = 'active'")
        #expect(running >= 2)
        for node in [one, two] { try await node.converge() }
        try await cloud.audit()
    }

    @Test("None is moved while another conductor has begun with one since this one looked")
    func begunMeanwhile() async throws {
        try await Cloud.with { cloud in
            let one = try await SpeakingNode.mounting("one", in: cloud)
            let (first, second) = (try await cloud.createMovable("a"), try await cloud.createMovable("b"))
            try await one.converge()
            _ = try await SpeakingNode.mounting("two", in: cloud)
            let node = try await cloud.nodes.drain(one.identity.name, .move, reason: "fans").id
            let isLocked = Mutex(false)
            async let other: Void = cloud.anotherPool()
                .transaction { transaction in
                    try transaction.execute("SELECT FROM compute_node WHERE id = \(node) FOR NO KEY UPDATE")
                    isLocked.withLock { $0 = true }
                    while try transaction.query("SELECT FROM pg_locks WHERE NOT granted").isEmpty {}
                    try transaction.execute(
                        """
                        UPDATE virtual_machine SET phase = 'stopping', desired = 'stopped', starts_elsewhere = true
                        WHERE id = \(second.id)
                        """
                    )
                }
            try await eventually("it has begun") { isLocked.withLock { $0 } }
            try await cloud.drains.advance(node)
            try await other
            #expect(try await cloud.now(first)?.status == .active)
        }
    }

    @Test("One that fits nowhere holds up no other, and the drain says what it waits for when the others are away")
    func oneWithoutRoom() async throws {
        try await Cloud.with { cloud in
            let one = try await SpeakingNode.mounting("one", gpus: 2, in: cloud)
            let stuck = try await cloud.createMovable("stuck", flavor: cloud.gpu)
            let others = [try await cloud.createMovable("a"), try await cloud.createMovable("b")]
            try await one.converge()
            let two = try await SpeakingNode.mounting("two", in: cloud)
            let node = try await cloud.nodes.drain(one.identity.name, .move, reason: "fans")
            for _ in 1...10 { try await advanceTogether(node.id, from: one, to: two, cloud) }
            for machine in others { #expect(try await cloud.place(machine) == "two") }
            #expect(try await cloud.now(stuck)?.status == .active)
            // Of several at once, one that finds the machine in another's hands says nothing of it.
            try await cloud.drains.advance(node.id)
            let drain = try #require(try await cloud.drain(of: one))
            #expect(drain.left == 1 && drain.obstacle?.contains("stuck waits for a place") == true, "\(drain)")
        }
    }

    @Test("To wait: nothing is done to machines, and it is over with the last; another policy begins anew")
    func wait() async throws {
        try await Cloud.with { cloud in
            let node = try await SpeakingNode("one", in: cloud)
            let machine = try await cloud.createOne()
            try await node.converge()
            try await cloud.drain(node, .wait)
            #expect(try await cloud.now(machine)?.status == .active)
            #expect(try await cloud.drain(of: node)?.left == 1)
            try await cloud.perform(.stop, machine)
            try await node.converge()
            try await cloud.perform(.start, machine)
            try await node.converge()
            #expect(try await cloud.now(machine)?.status == .active)
            try await cloud.perform(.delete, machine)
            try await node.converge()
            await cloud.reconcile()
            #expect(try await cloud.drain(of: node)?.finishedAt != nil)
            try await cloud.drain(node, .stop)
            let drain = try #require(try await cloud.drain(of: node))
            #expect((drain.policy, drain.left, drain.staying) == (.stop, 0, 0))
        }
    }

    @Test(
        "A node that does not report is not asked for anything, and what cannot be stopped holds the drain up by name"
    )
    func trouble() async throws {
        try await Cloud.with { cloud in
            let node = try await SpeakingNode("one", in: cloud)
            let machine = try await cloud.createOne()
            try await node.converge()
            try await cloud.execute("UPDATE compute_node SET state = 'silent'")
            try await cloud.drain(node, .stop)
            #expect(try await cloud.drain(of: node)?.obstacle?.contains("does not report") == true)
            try await node.report()
            await cloud.reconcile()
            #expect(try await cloud.now(machine)?.status == .stopping)
            try await cloud.execute("UPDATE virtual_machine SET deadline_at = now() - interval '1 second'")
            for _ in 1...2 { await cloud.reconcile() }
            #expect(try await cloud.now(machine)?.status == .error)
            let held = try #require(try await cloud.nodes.machines(of: node.identity.name)?.elements.first?.drain)
            #expect(held.isPending && held.text.contains("stopping for longer than 5 minutes"), "\(held)")
            #expect(try await cloud.drain(of: node)?.finishedAt == nil)
            try await node.converge()
            await cloud.reconcile()
            #expect(try await cloud.drain(of: node)?.finishedAt != nil)
        }
    }

    @Test("A node's own complaint, and that it is well again, leave what the operator said")
    func ownCordon() async throws {
        try await Cloud.with { cloud in
            let node = try await SpeakingNode("one", in: cloud)
            try await cloud.drain(node, .wait)
            for problems in [["The disk is full."], []] {
                try await node.report(problems: problems)
                let record = try #require(try await cloud.nodes.node(node.identity.name))
                #expect((record.cordoned, record.cordonReason, record.schedulable) == (true, "fans", false))
                #expect(record.healthy == problems.isEmpty && record.drain != nil)
            }
            _ = try await cloud.nodes.uncordon(node.identity.name)
            try await node.report(problems: ["The disk is full."])
            #expect(try await cloud.nodes.node(node.identity.name)?.schedulable == false)
            try await node.report()
            #expect(try await cloud.nodes.node(node.identity.name)?.schedulable == true)
        }
    }
}
