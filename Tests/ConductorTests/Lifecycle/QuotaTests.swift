// SPDX-License-Identifier: Apache-2.0

import Conductor
import GantryModel
import Postgres
import Testing

@Suite("Quotas hold whatever comes at once")
struct QuotaTests {
    @Test(
        "Creates of three conductors together make exactly as many machines as are allowed"
    )
    func concurrent() async throws {
        try await Cloud.with { cloud in
            for number in 0..<4 { try await cloud.addNode("node-\(number)") }
            try await cloud.execute(
                """
                INSERT INTO quota (organization_id, vms, vcpus) VALUES (\(cloud.organization), 100, 7)
                """
            )
            try await cloud.execute(
                "INSERT INTO quota (environment_id, floating_ips) VALUES (\(cloud.environment), 3)"
            )
            let conductors = (0..<3).map { _ in MachineLifecycle(database: cloud.anotherPool(), outbox: cloud.outbox) }
            let made = try await withThrowingTaskGroup(of: Int.self) { group in
                for client in 0..<12 {
                    group.addTask {
                        var made = 0
                        for turn in 0..<3 {
                            var request = cloud.request(count: turn == 2 ? 2 : 1)
                            request.assignFloatingIP = client.isMultiple(of: 2)
                            do {
                                made += try await conductors[client % 3].create(request).machines.count
                            } catch is QuotaExceeded {}
                        }
                        return made
                    }
                }
                return try await group.reduce(0, +)
            }
            #expect(made == 7)
            #expect(try await cloud.number("SELECT count(*) AS number FROM virtual_machine") == 7)
            let addresses = try await cloud.number(
                "SELECT count(*) AS number FROM floating_ip WHERE vm_id IS NOT NULL"
            )
            #expect(addresses <= 3)
            try await cloud.audit()
        }
    }
}
