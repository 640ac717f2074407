// SPDX-License-Identifier: Apache-2.0

import Conductor
import GantryModel
import GantryTestSupport
import Postgres
import Testing

@Suite("Many machines at once, over two hosts and two conductors (root)", .serialized)
struct ManyMachinesTests {
    @Test("30 machines created and deleted at once end with nothing left anywhere", .timeLimit(.minutes(15)))
    func thirty() async throws {
        try await SystemCloud.with(hosts: 2) { cloud in
            let agents = try (0...1).map { try cloud.startAgent($0) }
            try await eventually("both nodes are up") {
                try await cloud.database.read { transaction in
                    try transaction.query("SELECT FROM compute_node WHERE schedulable").count == 2
                }
            }
            let made = try await withThrowingTaskGroup(of: [VirtualMachineID].self) { group in
                for batch in 0..<6 {
                    group.addTask {
                        let conductor = cloud.conductors[batch % 2]
                        let request = try cloud.request("batch\(batch)", count: 5)
                        return try await conductor.lifecycle.create(request).machines.map(\.id)
                    }
                }
                return try await group.reduce(into: []) { $0 += $1 }
            }
            #expect(made.count == 30)
            for id in made { try await cloud.wait(for: id, .active, timeout: .seconds(400)) }
            for host in cloud.hosts {
                let domains = try await host.exec("virsh", "-q", "list", "--name").split(separator: "\n")
                #expect(!domains.isEmpty, "placement spreads over both nodes")
            }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for (index, id) in made.enumerated() {
                    group.addTask { try await cloud.perform(.delete, id, conductor: index % 2) }
                }
                try await group.waitForAll()
            }
            for id in made { try await cloud.waitUntilGone(id) }
            try await Auditor.expectNothingLeft(of: cloud)
            for agent in agents { try await agent.stop() }
        }
    }
}
