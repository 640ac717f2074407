// SPDX-License-Identifier: Apache-2.0

import Conductor
import GantryModel
import GantryProtocol
import Postgres
import Testing

@Suite("A firewall's rules are those of all machines that have it")
struct FirewallTests {
    private func rule(_ port: UInt16) throws -> SecurityRule {
        SecurityRule(
            direction: .ingress,
            etherType: .ipv4,
            protocol: "tcp",
            remote: try IPPrefix("0.0.0.0/0"),
            ports: port...port
        )
    }

    private func store(_ cloud: Cloud) -> FirewallStore { FirewallStore(database: cloud.database) }

    private func create(_ name: String, _ cloud: Cloud) async throws -> FirewallID {
        try await store(cloud)
            .create(name, description: "", environment: cloud.environment, in: cloud.organization).id
    }

    private func add(_ port: UInt16, to firewall: FirewallID, _ cloud: Cloud) async throws -> FirewallRuleID {
        try await cloud.lifecycle
            .addRule(try rule(port), to: firewall, in: cloud.organization, by: cloud.user).id
    }

    private func set(_ machines: [VirtualMachineID], of firewall: FirewallID, _ cloud: Cloud) async throws {
        try await cloud.lifecycle.setMachines(machines, of: firewall, in: cloud.organization, by: cloud.user)
    }

    private func ports(_ machine: VirtualMachineRecord, _ cloud: Cloud) async throws -> [UInt16] {
        try await cloud.task(machine).spec?.securityRules.filter { $0.direction == .ingress }
            .compactMap(\.ports?.lowerBound) ?? []
    }

    @Test("A change reaches every machine at once, each by one newer generation, and is pending until all have it")
    func change() async throws {
        try await Cloud.with { cloud in
            let nodes = [
                try await SpeakingNode("one", in: cloud, total: Resources(vcpus: 2, memoryMiB: 65536, diskGiB: 100)),
                try await SpeakingNode("two", in: cloud, total: Resources(vcpus: 2, memoryMiB: 65536, diskGiB: 100)),
            ]
            let machines = try await cloud.lifecycle.create(cloud.request("web", count: 4)).machines
            for node in nodes { try await node.converge() }
            let firewall = try await create("web", cloud)
            _ = try await add(80, to: firewall, cloud)
            try await set(machines.dropLast().map(\.id), of: firewall, cloud)
            let second = try await add(443, to: firewall, cloud)
            for machine in machines.dropLast() {
                #expect(try await ports(machine, cloud) == [80, 443])
                #expect(try await cloud.now(machine)?.generation == Generation(3))
            }
            #expect(try await ports(machines[3], cloud) == [])
            #expect(try await cloud.now(machines[3])?.generation == Generation(1))
            #expect(try await store(cloud).firewall(firewall, in: cloud.organization).isApplied == false)
            try await nodes[0].converge()
            #expect(try await store(cloud).firewall(firewall, in: cloud.organization).isApplied == false)
            try await nodes[1].converge()
            #expect(try await store(cloud).firewall(firewall, in: cloud.organization).isApplied)
            try await cloud.lifecycle.removeRule(second, of: firewall, in: cloud.organization, by: nil)
            #expect(try await ports(machines[0], cloud) == [80])
            try await set([machines[0].id, machines[3].id], of: firewall, cloud)
            #expect(try await ports(machines[1], cloud) == [])
            #expect(try await ports(machines[3], cloud) == [80])
            let unchanged = try await cloud.now(machines[0])?.generation
            try await set([machines[3].id, machines[0].id], of: firewall, cloud)
            #expect(try await cloud.now(machines[0])?.generation == unchanged)
        }
    }

    @Test("What is attached cannot be deleted, a deleted machine holds nothing, and being deleted leaves it alone")
    func inUse() async throws {
        try await Cloud.with { cloud in
            let node = try await SpeakingNode("one", in: cloud)
            let machine = try await cloud.createOne()
            let firewall = try await create("web", cloud)
            let early = await #expect(throws: MachineRefusal.self) { try await set([machine.id], of: firewall, cloud) }
            #expect(early?.reason == .conflict)
            try await node.converge()
            try await cloud.lifecycle.setFirewalls([firewall], of: machine.id, in: cloud.organization, by: nil)
            let refusal = await #expect(throws: ResourceRefusal.self) {
                try await store(cloud).remove(firewall, in: cloud.organization)
            }
            #expect(refusal?.reason == .inUse)
            try await cloud.perform(.delete, machine)
            let generation = try await cloud.now(machine)?.generation
            _ = try await add(80, to: firewall, cloud)
            #expect(try await cloud.now(machine)?.generation == generation)
            try await node.converge()
            #expect(try await cloud.now(machine) == nil)
            try await store(cloud).remove(firewall, in: cloud.organization)
        }
    }

    @Test("A machine may have ten, and lists leave out the machines of those that are named")
    func limitAndList() async throws {
        try await Cloud.with { cloud in
            let node = try await SpeakingNode("one", in: cloud)
            let machines = try await cloud.lifecycle.create(cloud.request("web", count: 2)).machines
            try await node.converge()
            var firewalls: [FirewallID] = []
            for number in 0..<11 { firewalls.append(try await create("f\(number)", cloud)) }
            let lifecycle = cloud.lifecycle
            let many = await #expect(throws: ResourceRefusal.self) {
                try await lifecycle.setFirewalls(firewalls, of: machines[0].id, in: cloud.organization, by: nil)
            }
            #expect(many?.reason == .invalid)
            try await lifecycle.setFirewalls(
                Array(firewalls.dropLast()),
                of: machines[0].id,
                in: cloud.organization,
                by: nil
            )
            let full = await #expect(throws: ResourceRefusal.self) {
                try await set([machines[0].id], of: firewalls[10], cloud)
            }
            #expect(full?.reason == .invalid)
            for (excluded, names) in [
                ([firewalls[3]], ["web-2"]), ([firewalls[10]], ["web-1", "web-2"]), ([], ["web-1", "web-2"]),
            ] {
                let query = MachineQuery(excludedFirewalls: excluded)
                #expect(try await cloud.store.machines(in: cloud.organization, query).machines.map(\.name) == names)
            }
        }
    }

    @Test("Changes of firewalls that share machines, and the machines' reports, do not wait for each other in a ring")
    func concurrent() async throws {
        try await Cloud.with { cloud in
            let nodes = [
                try await SpeakingNode("one", in: cloud, total: Resources(vcpus: 3, memoryMiB: 65536, diskGiB: 100)),
                try await SpeakingNode("two", in: cloud, total: Resources(vcpus: 3, memoryMiB: 65536, diskGiB: 100)),
            ]
            let machines = try await cloud.lifecycle.create(cloud.request("web", count: 6)).machines.map(\.id)
            for node in nodes { try await node.converge() }
            let firewalls = [try await create("a", cloud), try await create("b", cloud)]
            try await withThrowingTaskGroup { group in
                for (index, firewall) in firewalls.enumerated() {
                    group.addTask {
                        for turn in 0..<10 {
                            let some = machines.filter { Int($0.rawValue) % (turn % 3 + 1) == 0 }
                            try await set(index == 0 ? some : some.reversed(), of: firewall, cloud)
                            _ = try await add(UInt16(turn), to: firewall, cloud)
                        }
                    }
                }
                group.addTask {
                    for turn in 0..<20 {
                        try await cloud.lifecycle.setFirewalls(
                            turn % 2 == 0 ? firewalls.reversed() : [],
                            of: machines[turn % 6],
                            in: cloud.organization,
                            by: nil
                        )
                    }
                }
                for node in nodes {
                    group.addTask { for _ in 0..<20 { try await node.converge() } }
                }
                try await group.waitForAll()
            }
            for node in nodes { try await node.converge() }
            let stale = try await cloud.number(
                "SELECT count(*) AS number FROM virtual_machine WHERE applied_generation <> generation"
            )
            #expect(stale == 0)
            for firewall in firewalls {
                #expect(try await store(cloud).firewall(firewall, in: cloud.organization).isApplied)
            }
        }
    }
}
