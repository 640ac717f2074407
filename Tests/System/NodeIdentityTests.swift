// SPDX-License-Identifier: Apache-2.0

import GantryClient
import GantryModel
import GantryProtocol
import GantryTestSupport
import Testing

@Suite("One node, one agent (root)", .serialized)
struct NodeIdentityTests {
    @Test("A second agent with a node's identity ends the first, and guests run on", .timeLimit(.minutes(10)))
    func twins() async throws {
        try await SystemCloud.withIdleGuests { cloud in
            let first = try cloud.startAgent()
            let machine = try await cloud.wait(for: cloud.create("steady"), .active)
            let second = try cloud.startAgent(0, ["GANTRY_HEALTH_PORT": "9999"])
            // EX_CONFIG: a restart alone will not help.
            #expect(try await first.end() == 78)
            #expect(second.isRunning)
            try await cloud.expectBoots(1, of: machine)
            try await cloud.remove(machine)
            try await Auditor.expectNothingLeft(of: cloud)
            #expect(try await second.stop() == 0)
        }
    }
}
