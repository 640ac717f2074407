// SPDX-License-Identifier: Apache-2.0

import Conductor
import Foundation
import GantryModel
import Postgres
import Testing

@Suite("Creating machines")
struct MachineCreationTests {
    @Test("A machine is placed, claimed, announced and shown whole in one transaction")
    func one() async throws {
        try await Cloud.with { cloud in
            let node = try await cloud.addNode("one")
            var request = cloud.request("My VM & friends <3")
            request.labels = ["blue", "a b"]
            request.assignFloatingIP = true
            request.userData = Data([0, 1, 255, 34, 39])
            request.securityRules = [
                SecurityRule(
                    direction: .ingress,
                    etherType: .ipv4,
                    protocol: "tcp",
                    remote: try IPPrefix("192.0.2.0/24"),
                    ports: 22...23
                )
            ]
            let machine = try #require(try await cloud.lifecycle.create(request).machines.first)
            #expect(machine.name == "My VM & friends <3")
            #expect(machine.hostname == "my-vm-friends-3")
            #expect(machine.status == .creating)
            #expect(machine.node?.id == node)
            #expect(machine.keyNames == ["laptop"])
            #expect(machine.labels == ["a b", "blue"])
            #expect(machine.privateAddress?.description == "10.1.0.2")
            #expect(machine.floatingIP?.description == "203.0.113.1")
            #expect(machine.mac == MACAddress(localFor: machine.uuid))
            #expect(machine.securityRules.map(\.rule.ports) == [1...65535, 1...65535, 22...23])
            #expect(machine.flavor.resources == Resources(vcpus: 1, memoryMiB: 512, diskGiB: 5))
            let shown = try await cloud.store.machine(machine.id, in: cloud.organization)
            #expect(shown?.uuid == machine.uuid)
            #expect(try await cloud.store.machine(machine.id, in: OrganizationID(999)) == nil)
            #expect(try await cloud.number("SELECT count(*) AS number FROM task_outbox WHERE node_id = \(node)") == 1)
            #expect(try await cloud.number("SELECT revision AS number FROM compute_node") == 1)
            let events = try await cloud.store.events(of: machine.id, in: cloud.organization)
            #expect(events?.map(\.reason) == ["InstanceCreationRequest"])
            #expect(events?.first?.userID == cloud.user)
            try await cloud.audit()
        }
    }

    @Test("Several are numbered, and are made all or not at all")
    func several() async throws {
        try await Cloud.with { cloud in
            try await cloud.addNode("one", Resources(vcpus: 3, memoryMiB: 65536, diskGiB: 1000))
            try await cloud.addNode("two", Resources(vcpus: 2, memoryMiB: 65536, diskGiB: 1000))
            let made = try await cloud.lifecycle.create(cloud.request("web", count: 4)).machines
            #expect(made.map(\.name) == ["web-1", "web-2", "web-3", "web-4"])
            #expect(Set(made.compactMap(\.privateAddress)).count == 4)
            let refusal = await #expect(throws: MachineRefusal.self) {
                try await cloud.lifecycle.create(cloud.request("more", count: 2))
            }
            #expect(refusal?.reason == .noCapacity)
            #expect(refusal?.message.contains("room for 1 of 2") == true)
            #expect(refusal?.message.contains("too few vCPUs: 1") == true)
            #expect(try await cloud.number("SELECT count(*) AS number FROM virtual_machine") == 4)
            #expect(try await cloud.lifecycle.create(cloud.request("last")).machines.count == 1)
            try await cloud.audit()
        }
    }

    @Test("Without a name each machine gets one that can be remembered")
    func memorable() async throws {
        try await Cloud.with { cloud in
            try await cloud.addNode("one")
            let made = try await cloud.lifecycle.create(cloud.request(count: 3)).machines
            #expect(Set(made.map(\.name)).count == 3)
            #expect(made.allSatisfy { $0.name.split(separator: "-").count == 3 && $0.hostname == $0.name })
        }
    }

    @Test("A name that is in use is refused, and free again after deletion")
    func nameTaken() async throws {
        try await Cloud.with { cloud in
            try await cloud.addNode("one")
            _ = try await cloud.lifecycle.create(cloud.request("web-2"))
            for request in [cloud.request("web-2"), cloud.request("web", count: 3)] {
                let refusal = await #expect(throws: MachineRefusal.self) { try await cloud.lifecycle.create(request) }
                #expect(refusal?.reason == .nameTaken)
            }
            #expect(try await cloud.number("SELECT count(*) AS number FROM virtual_machine") == 1)
            try await cloud.audit()
        }
    }

    @Test("What does not exist, or not for this organization, is refused without a trace")
    func unknown() async throws {
        try await Cloud.with { cloud in
            try await cloud.addNode("one")
            var requests = Array(repeating: cloud.request("x"), count: 5)
            requests[0].environment = EnvironmentID(99)
            requests[1].organization = OrganizationID(99)
            requests[2].flavor = FlavorID(99)
            requests[3].image = ImageID(99)
            requests[4].keys = [cloud.key, KeyID(99)]
            for request in requests {
                let refusal = await #expect(throws: MachineRefusal.self) { try await cloud.lifecycle.create(request) }
                #expect(refusal?.reason == .notFound)
            }
            #expect(try await cloud.number("SELECT count(*) AS number FROM virtual_machine") == 0)
            try await cloud.audit()
        }
    }

    @Test("A flavor that no node could ever hold is told from one that has no room now")
    func neverFits() async throws {
        try await Cloud.with { cloud in
            let none = await #expect(throws: MachineRefusal.self) { try await cloud.lifecycle.create(cloud.request()) }
            #expect(none?.reason == .noCapacity)
            try await cloud.addNode("small", Resources(vcpus: 16, memoryMiB: 256, diskGiB: 1000))
            let small = await #expect(throws: MachineRefusal.self) { try await cloud.lifecycle.create(cloud.request()) }
            #expect(small?.reason == .neverFits)
            #expect(small?.message.contains("too little memory: 1") == true)
            try await cloud.addNode("gone")
            try await cloud.execute("UPDATE compute_node SET state = 'silent' WHERE name = 'gone'")
            let silent = await #expect(throws: MachineRefusal.self) {
                try await cloud.lifecycle.create(cloud.request())
            }
            #expect(silent?.reason == .noCapacity)
            #expect(silent?.message.contains("not reporting: 1") == true)
            let gpu = await #expect(throws: MachineRefusal.self) {
                try await cloud.lifecycle.create(cloud.request(flavor: cloud.gpu))
            }
            #expect(gpu?.reason == .neverFits)
            #expect(gpu?.message.contains("no GPU of the type: 2") == true)
        }
    }

    @Test("Used up addresses are said, and nothing is kept of the attempt")
    func addressesUsedUp() async throws {
        try await Cloud.with(subnet: "10.1.0.0/29", pool: "203.0.113.0/32") { cloud in
            try await cloud.addNode("one")
            var request = cloud.request()
            request.assignFloatingIP = true
            _ = try await cloud.lifecycle.create(request)
            let noFloatingIP = await #expect(throws: MachineRefusal.self) { try await cloud.lifecycle.create(request) }
            #expect(noFloatingIP?.reason == .noFloatingIP)
            _ = try await cloud.lifecycle.create(cloud.request(count: 4))
            let noAddress = await #expect(throws: MachineRefusal.self) {
                try await cloud.lifecycle.create(cloud.request())
            }
            #expect(noAddress?.reason == .noPrivateAddress)
            #expect(try await cloud.number("SELECT count(*) AS number FROM virtual_machine") == 5)
            try await cloud.audit()
        }
    }

    @Test("GPUs are claimed as devices of one NUMA node, and a host with GPUs is left to those who need them")
    func gpus() async throws {
        try await Cloud.with { cloud in
            let host = try await cloud.addNode("gpu", gpus: [0, 0, 0, 1, 1])
            let plain = try await cloud.addNode("plain", Resources(vcpus: 2, memoryMiB: 65536, diskGiB: 1000))
            let machine = try #require(
                try await cloud.lifecycle.create(cloud.request(flavor: cloud.gpu)).machines.first
            )
            #expect(machine.node?.id == host)
            #expect(
                try await cloud.number(
                    "SELECT count(*) AS number FROM gpu_device WHERE vm_id = \(machine.id) AND numa_node = 1"
                ) == 2
            )
            let others = try await cloud.lifecycle.create(cloud.request(count: 3)).machines
            #expect(others.map { $0.node?.id } == [plain, plain, host])
            _ = try await cloud.lifecycle.create(cloud.request(flavor: cloud.gpu))
            let refusal = await #expect(throws: MachineRefusal.self) {
                try await cloud.lifecycle.create(cloud.request(flavor: cloud.gpu))
            }
            #expect(refusal?.message.contains("too few free GPUs: 1") == true)
            try await cloud.audit()
        }
    }

    @Test("An idempotency key gives the same machines to the same request and refuses another")
    func idempotency() async throws {
        try await Cloud.with { cloud in
            try await cloud.addNode("one")
            var request = cloud.request("web", count: 2)
            request.idempotency = IdempotencyClaim(
                key: "k",
                digest: try SHA256Digest(String(repeating: "1", count: 64))
            )
            let first = try await cloud.lifecycle.create(request)
            let second = try await cloud.lifecycle.create(request)
            #expect(!first.repeated && second.repeated)
            #expect(second.machines.map(\.id) == first.machines.map(\.id))
            request.idempotency = IdempotencyClaim(
                key: "k",
                digest: try SHA256Digest(String(repeating: "2", count: 64))
            )
            let refusal = await #expect(throws: MachineRefusal.self) { try await cloud.lifecycle.create(request) }
            #expect(refusal?.reason == .idempotencyMismatch)
        }
    }

    @Test("Of requests with one idempotency key at the same time, one creates and all get its machine")
    func idempotencyRace() async throws {
        try await Cloud.with { cloud in
            try await cloud.addNode("one")
            var request = cloud.request()
            request.idempotency = IdempotencyClaim(
                key: "k",
                digest: try SHA256Digest(String(repeating: "1", count: 64))
            )
            let outcomes = try await withThrowingTaskGroup(of: MachineCreationOutcome.self) { group in
                for _ in 0..<12 { group.addTask { [request] in try await cloud.lifecycle.create(request) } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(outcomes.count { !$0.repeated } == 1)
            #expect(Set(outcomes.flatMap { $0.machines.map(\.id) }).count == 1)
            #expect(try await cloud.number("SELECT count(*) AS number FROM virtual_machine") == 1)
            try await cloud.audit()
        }
    }
}
