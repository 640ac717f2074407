// SPDX-License-Identifier: Apache-2.0

import Conductor
import GantryModel
import GantryProtocol
import Logging
import Postgres
import Testing

@Suite("A floating IP moves from one machine to another, and no two nodes answer for it at any time")
struct FloatingIPMoveTests {
    /// A cloud with one address, a machine that has it on one node, and one without on another.
    private struct Scene: Sendable {
        let cloud: Cloud
        let nodes: [SpeakingNode]
        let holder: VirtualMachineRecord
        let target: VirtualMachineRecord
        let address: IPv4Address

        /// The two machines as the API shows them.
        func shown() async throws -> [String] {
            var shown: [String] = []
            for machine in [holder, target] {
                let now = try #require(try await cloud.now(machine))
                shown.append("\(now.floatingIPStatus) \(now.floatingIP?.description ?? "-")")
            }
            return shown
        }

        func move(to machine: VirtualMachineRecord? = nil, allowed: Bool = true) async throws -> FloatingIPMove {
            try await cloud.lifecycle.moveFloatingIP(
                address,
                to: (machine ?? target).id,
                in: cloud.organization,
                allowed: allowed,
                by: cloud.user
            )
        }

        /// The machine that has the address.
        func owner() async throws -> Int {
            try await cloud.number("SELECT coalesce(max(vm_id), 0) AS number FROM floating_ip")
        }

        func reconcile() async {
            await Reconciler(database: cloud.database, outbox: cloud.outbox, logger: Logger(label: "test")).round()
        }
    }

    private func with(
        nodes names: [String] = ["one", "two"],
        callingBack url: String? = nil,
        _ body: @Sendable @escaping (Scene) async throws -> Void
    ) async throws {
        try await Cloud.with(pool: "203.0.113.8/32") { cloud in
            var nodes: [SpeakingNode] = []
            for name in names { nodes.append(try await SpeakingNode(name, in: cloud)) }
            func create(_ name: String, on node: String, floatingIP: Bool) async throws -> VirtualMachineRecord {
                try await cloud.execute("UPDATE compute_node SET cordoned = (name <> \(node))")
                var request = cloud.request(name)
                (request.assignFloatingIP, request.callbackURL) = (floatingIP, url)
                return try await cloud.createOne(request)
            }
            let holder = try await create("web", on: names[0], floatingIP: true)
            let target = try await create("spare", on: names[names.count - 1], floatingIP: false)
            for node in nodes { try await node.converge() }
            try await body(
                Scene(
                    cloud: cloud,
                    nodes: nodes,
                    holder: holder,
                    target: target,
                    address: try #require(holder.floatingIP)
                )
            )
        }
    }

    @Test("The new node is told only after the old one has confirmed; both histories and callbacks say it")
    func life() async throws {
        try await with(callingBack: "https://example.com/") { scene in
            let (cloud, target) = (scene.cloud, scene.target)
            let move = try await scene.move()
            #expect(move.message.contains("203.0.113.8 of VM web will be assigned to VM spare once"))
            #expect(try await scene.shown() == ["DETACHING 203.0.113.8", "ATTACHING 203.0.113.8"])
            try await scene.nodes[1].converge()
            await scene.reconcile()
            #expect(try await cloud.task(target).spec?.network.floatingIP == nil)
            #expect(try await cloud.task(scene.holder).spec?.network.floatingIP == nil)
            #expect(try await scene.owner() == Int(scene.holder.id.rawValue))
            try await cloud.audit()
            let generation = try #require(try await cloud.now(target)).generation
            try await scene.nodes[0].converge()
            #expect(try await cloud.task(target).spec?.network.floatingIP == scene.address)
            #expect(try await cloud.now(target)?.generation == generation.next)
            #expect(try await scene.shown() == ["NO FLOATING IP -", "ATTACHING 203.0.113.8"])
            try await cloud.audit()
            try await scene.nodes[1].converge()
            #expect(try await scene.shown() == ["NO FLOATING IP -", "ATTACHED 203.0.113.8"])
            try await cloud.audit()
            func events(_ machine: VirtualMachineRecord) async throws -> [String] {
                try await cloud.store.events(of: machine.id, in: cloud.organization)?.suffix(2).map(\.reason) ?? []
            }
            #expect(
                try await events(scene.holder) == [
                    "DetachFloatingIPToInstanceRequest", "DetachFloatingIPToInstanceSuccess",
                ]
            )
            #expect(
                try await events(target) == ["AttachFloatingIPToInstanceRequest", "AttachFloatingIPToInstanceSuccess"]
            )
            func told(_ machine: VirtualMachineRecord) async throws -> [String] {
                try await cloud.deliveries(of: machine.id).suffix(2).map { "\($0.operation) \($0.status)" }
            }
            #expect(try await told(scene.holder) == ["detachFloatingIP DETACHING", "detachFloatingIP DETACHED"])
            #expect(try await told(target) == ["attachFloatingIP ATTACHING", "attachFloatingIP ATTACHED"])
        }
    }

    @Test("On one node the address is taken from the one machine before it is given to the other")
    func oneNode() async throws {
        try await with(nodes: ["one"]) { scene in
            _ = try await scene.move()
            let tasks = try await [scene.cloud.task(scene.holder), scene.cloud.task(scene.target)]
            #expect(tasks.allSatisfy { $0.spec?.network.floatingIP == nil })
            try await scene.nodes[0].converge()
            #expect(try await scene.cloud.task(scene.target).spec?.network.floatingIP == scene.address)
            try await scene.nodes[0].converge()
            #expect(try await scene.shown() == ["NO FLOATING IP -", "ATTACHED 203.0.113.8"])
            try await scene.cloud.audit()
        }
    }

    @Test("A report of an older generation, or of a failure, moves nothing")
    func unconfirmed() async throws {
        try await with { scene in
            let cloud = scene.cloud
            let before = try await cloud.task(scene.holder)
            _ = try await scene.move()
            let after = try await cloud.task(scene.holder)
            try await scene.nodes[0].report([before.done()])
            try await scene.nodes[0].report([after.done(fault: Fault(.hostNetworkFailed, "No."))])
            try await scene.nodes[0].report([after.done(fault: Fault(.hostNetworkFailed, "Still no."))])
            await scene.reconcile()
            #expect(try await scene.owner() == Int(scene.holder.id.rawValue))
            #expect(try await cloud.task(scene.target).spec?.network.floatingIP == nil)
            let events = try await cloud.store.events(of: scene.holder.id, in: cloud.organization)?.map(\.reason)
            #expect(events?.count { $0 == "DetachFloatingIPToInstanceFailed" } == 1)
            try await scene.nodes[0].converge()
            try await scene.nodes[1].converge()
            #expect(try await scene.shown() == ["NO FLOATING IP -", "ATTACHED 203.0.113.8"])
        }
    }

    @Test("A conductor that dies between the halves leaves the address to nobody else, and any reconciler goes on")
    func betweenHalves() async throws {
        try await with { scene in
            let cloud = scene.cloud
            _ = try await scene.move()
            // What the report's transaction leaves.
            try await cloud.execute(
                """
                UPDATE virtual_machine SET floating_ip_detaching = false, applied_generation = generation
                WHERE id = \(scene.holder.id)
                """
            )
            try await cloud.execute("UPDATE floating_ip SET vm_id = NULL")
            #expect(try await scene.shown() == ["NO FLOATING IP -", "ATTACHING 203.0.113.8"])
            await expectRefusal(.noFloatingIP, "no free") {
                try await cloud.lifecycle.attachFloatingIP(to: scene.holder.id, in: cloud.organization, by: nil)
            }
            try await cloud.audit()
            await withTaskGroup { group in
                for _ in 0..<4 { group.addTask { await scene.reconcile() } }
            }
            #expect(try await cloud.task(scene.target).spec?.network.floatingIP == scene.address)
            #expect(
                try await cloud.number("SELECT count(*) AS number FROM task_outbox WHERE vm_id = \(scene.target.id)")
                    > 0
            )
            try await scene.nodes[1].converge()
            #expect(try await scene.shown() == ["NO FLOATING IP -", "ATTACHED 203.0.113.8"])
            try await cloud.audit()
        }
    }

    @Test("Deleting the machine that waits leaves the address to everybody", arguments: [true, false])
    func targetDeleted(_ isGoneFirst: Bool) async throws {
        try await with { scene in
            _ = try await scene.move()
            try await scene.cloud.perform(.delete, scene.target)
            for index in isGoneFirst ? [1, 0] : [0, 1] { try await scene.nodes[index].converge() }
            #expect(
                try await scene.cloud.number(
                    "SELECT count(*) AS number FROM floating_ip WHERE vm_id IS NULL AND next_vm_id IS NULL"
                ) == 1
            )
            try await scene.cloud.audit()
            try await scene.cloud.lifecycle.attachFloatingIP(
                to: scene.holder.id,
                in: scene.cloud.organization,
                by: nil
            )
            try await scene.cloud.audit()
        }
    }

    @Test(
        "The address of a machine that is deleted, before the request or after it, goes on",
        arguments: [true, false]
    )
    func holderDeleted(_ isBefore: Bool) async throws {
        try await with { scene in
            if isBefore { try await scene.cloud.perform(.delete, scene.holder) }
            _ = try await scene.move()
            if !isBefore { try await scene.cloud.perform(.delete, scene.holder) }
            for node in scene.nodes { try await node.converge() }
            #expect(try await scene.cloud.now(scene.holder) == nil)
            #expect(try await scene.cloud.now(scene.target)?.floatingIPStatus == "ATTACHED")
            try await scene.cloud.audit()
        }
    }

    @Test("While the old node is silent the address waits, and that is said once; a detach ends the wait")
    func silence() async throws {
        try await with { scene in
            let (cloud, target) = (scene.cloud, scene.target)
            try await cloud.execute("UPDATE compute_node SET state = 'silent' WHERE name = 'one'")
            let move = try await scene.move()
            #expect(move.waitsForSilentNode)
            #expect(move.message.contains("has stopped reporting"))
            // The trigger of updated_at would make it now.
            try await cloud.execute("ALTER TABLE floating_ip DISABLE TRIGGER touch")
            try await cloud.execute("UPDATE floating_ip SET updated_at = now() - interval '2 minutes'")
            await scene.reconcile()
            await scene.reconcile()
            let events = try await cloud.store.events(of: target.id, in: cloud.organization) ?? []
            #expect(events.count { $0.reason == "AttachFloatingIPToInstanceDelayed" } == 1)
            #expect(events.last?.message.contains("still that of web, whose node has stopped reporting") == true)
            #expect(try await scene.owner() == Int(scene.holder.id.rawValue))
            try await cloud.lifecycle.detachFloatingIP(from: target.id, in: cloud.organization, by: nil)
            #expect(try await scene.shown() == ["DETACHING 203.0.113.8", "NO FLOATING IP -"])
            try await scene.nodes[0].converge()
            #expect(try await scene.owner() == 0)
            #expect(try await scene.shown() == ["NO FLOATING IP -", "NO FLOATING IP -"])
            try await cloud.audit()
        }
    }

    @Test("What cannot be moved, or not now, is refused and changes nothing")
    func refusals() async throws {
        try await with { scene in
            let (cloud, target) = (scene.cloud, scene.target)
            await expectRefusal(.floatingIPInUse, "allow_reassociation") { _ = try await scene.move(allowed: false) }
            await expectRefusal(.wrongState, "has a floating IP already") {
                _ = try await scene.move(to: scene.holder)
            }
            await expectRefusal(.notFound, "None of your VMs") {
                _ = try await cloud.lifecycle.moveFloatingIP(
                    IPv4Address("203.0.113.9"),
                    to: target.id,
                    in: cloud.organization,
                    allowed: true,
                    by: nil
                )
            }
            await expectRefusal(.notFound, "None of your VMs") {
                _ = try await cloud.lifecycle.moveFloatingIP(
                    scene.address,
                    to: target.id,
                    in: cloud.organization,
                    reaching: [EnvironmentID(99)],
                    allowed: true,
                    by: nil
                )
            }
            try await cloud.perform(.hardReboot, scene.holder)
            await expectRefusal(.conflict, "VM web is REBOOTING; try again") { _ = try await scene.move() }
            try await scene.nodes[0].converge()
            try await cloud.perform(.stop, target)
            await expectRefusal(.conflict, "VM spare is STOPPING; try again") { _ = try await scene.move() }
            try await scene.nodes[1].converge()
            #expect(try await scene.shown() == ["ATTACHED 203.0.113.8", "NO FLOATING IP -"])
            _ = try await scene.move()
            await expectRefusal(.conflict, "being given floating IP 203.0.113.8 already") {
                try await cloud.lifecycle.attachFloatingIP(to: target.id, in: cloud.organization, by: nil)
            }
            await expectRefusal(.conflict, "being given floating IP 203.0.113.8 already") { _ = try await scene.move() }
        }
    }

    @Test("Of many machines that want one address at once exactly one gets it, and each other is told of the conflict")
    func concurrent() async throws {
        try await with { scene in
            let cloud = scene.cloud
            let targets = try await cloud.lifecycle.create(cloud.request("many", count: 6)).machines
            for node in scene.nodes { try await node.converge() }
            let conductors = (0..<3)
                .map { _ in MachineLifecycle(database: cloud.anotherPool(), outbox: OutboxSignal()) }
            let winners = await withTaskGroup { group in
                for (index, target) in targets.enumerated() {
                    group.addTask { () -> Int in
                        do {
                            _ = try await conductors[index % 3]
                                .moveFloatingIP(
                                    scene.address,
                                    to: target.id,
                                    in: cloud.organization,
                                    allowed: true,
                                    by: nil
                                )
                            return 1
                        } catch {
                            #expect((error as? MachineRefusal)?.reason == .conflict, "\(error)")
                            return 0
                        }
                    }
                }
                return await group.reduce(0, +)
            }
            #expect(winners == 1)
            try await cloud.audit()
            for node in scene.nodes { try await node.converge() }
            for node in scene.nodes { try await node.converge() }
            #expect(
                try await cloud.number("SELECT count(*) AS number FROM virtual_machine WHERE floating_ip_wired") == 1
            )
            try await cloud.audit()
        }
    }

    @Test("A move within an environment needs no more of a quota, and one into another that has none left is refused")
    func quotas() async throws {
        try await with { scene in
            let cloud = scene.cloud
            try await cloud.execute(
                "INSERT INTO quota (organization_id, floating_ips) VALUES (\(cloud.organization), 1)"
            )
            _ = try await scene.move()
            for node in scene.nodes { try await node.converge() }
            #expect(try await cloud.now(scene.target)?.floatingIPStatus == "ATTACHED")
            try await cloud.execute(
                """
                WITH other AS (
                    INSERT INTO environment (organization_id, region_id, name, subnet)
                    SELECT organization_id, region_id, 'other', '10.77.0.0/24' FROM environment RETURNING id
                ), moved AS (
                    DELETE FROM private_address WHERE vm_id = \(scene.holder.id) RETURNING vm_id
                ), address AS (
                    INSERT INTO private_address (environment_id, address, vm_id)
                    SELECT other.id, '10.77.0.2', moved.vm_id FROM other, moved
                ), quota AS (
                    INSERT INTO quota (environment_id, floating_ips) SELECT id, 0 FROM other
                )
                UPDATE virtual_machine vm SET environment_id = other.id FROM other WHERE vm.id = \(scene.holder.id)
                """
            )
            await #expect(throws: QuotaExceeded.self) { _ = try await scene.move(to: scene.holder) }
            try await cloud.execute("UPDATE quota SET floating_ips = 1")
            _ = try await scene.move(to: scene.holder)
            for node in scene.nodes.reversed() { try await node.converge() }
            #expect(try await cloud.now(scene.holder)?.floatingIPStatus == "ATTACHED")
        }
    }
}
