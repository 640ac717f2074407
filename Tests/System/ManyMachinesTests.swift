// SPDX-License-Identifier: Apache-2.0

import GantryClient
import GantryModel
import GantryProtocol
import GantryTestSupport
import Postgres
import Testing

@Suite("Many machines at once, over two hosts and two conductors (root)", .serialized)
struct ManyMachinesTests {
    private static let batches = 6

    @Test("30 machines created and deleted at once end with nothing left anywhere", .timeLimit(.minutes(15)))
    func thirty() async throws {
        try await SystemCloud.with(hosts: 2) { cloud in
            // Most guests idle: two processors that emulate 30 booting ones would take minutes for it.
            let idle = try await TestImage.idle(in: cloud.folder)
            try await cloud.addImage("idle", url: "file://\(idle.path)", sha256: idle.sha256)
            let agents = try (0...1).map { try cloud.startAgent($0) }
            try await eventually("both nodes are up") {
                try await cloud.database.read { transaction in
                    try transaction.query("SELECT FROM compute_node WHERE schedulable").count == 2
                }
            }
            let machines = try await withThrowingTaskGroup(of: [InstanceBody].self) { group in
                for batch in 0..<Self.batches {
                    var request = cloud.request("batch\(batch)", count: 5)
                    if batch > 0 { request.imageName = "idle" }
                    group.addTask { [request] in
                        try await cloud.conductors[batch % 2].api.createInstances(request)
                    }
                }
                return try await group.reduce(into: []) { $0 += $1 }
            }
            #expect(machines.count == 30)
            var active: [InstanceBody] = []
            for machine in machines { active.append(try await cloud.wait(for: machine, .active)) }
            #expect(Set(active.compactMap(\.floatingIP)).count == 30)
            for host in cloud.hosts {
                let domains = try await host.exec("virsh", "-q", "list", "--name").split(separator: "\n")
                #expect(!domains.isEmpty, "placement spreads over both nodes")
            }
            for machine in active where machine.image.name == "TestImage" {
                #expect(try await cloud.login(machine, "hostname") == machine.name)
            }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for (index, machine) in machines.enumerated() {
                    group.addTask { try await cloud.conductors[index % 2].api.deleteInstance(machine.id) }
                }
                try await group.waitForAll()
            }
            for machine in machines { try await cloud.waitUntilGone(machine) }
            try await Auditor.expectNothingLeft(of: cloud)
            for agent in agents { #expect(try await agent.stop() == 0) }
        }
    }
}
