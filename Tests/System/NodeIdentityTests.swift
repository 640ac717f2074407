// SPDX-License-Identifier: Apache-2.0

import Foundation
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
            let second = try cloud.startAgent(0, ["GANTRY_STATUS_PORT": "9999"])
            // EX_TEMPFAIL: on one host it may as well have been a request of its own that came late.
            #expect(try await first.end() == 75)
            #expect(second.isRunning)
            try await cloud.expectBoots(1, of: machine)
            try await cloud.remove(machine)
            try await Auditor.expectNothingLeft(of: cloud)
            #expect(try await second.stop() == 0)
        }
    }

    @Test(
        "An agent takes new secrets while it works: its session, its queue and its guest go on, and the old key is refused",
        .timeLimit(.minutes(10))
    )
    func rotation() async throws {
        try await SystemCloud.withIdleGuests { cloud in
            var agent = try cloud.startAgent()
            let machine = try await cloud.wait(for: cloud.create("steady"), .active)
            let old = try cloud.joinedKey
            #expect(try await cloud.status(of: old) == "200")
            let done = try await cloud.gantry("node", "rotate", "node-0", "--wait")
            #expect(done.status == 0 && done.text.contains("the old ones have ended"), "\(done)")
            #expect(try await cloud.status(of: old) == "401")
            try await cloud.expectBoots(1, of: machine)

            // By the queue alone: nothing else brings a task within a minute.
            let count = "queues/\(cloud.broker.name)/gantry.node.node-0"
            try await eventually("its queue is consumed again") {
                try await cloud.broker.manage("GET", count).contains(#""consumers":1"#)
            }
            let next = try await cloud.wait(for: cloud.create("next"), .active)
            #expect(cloud.hosts[0].log.count { $0.contains("Session begun") } == 1)
            // What is on the host's disk is what it goes on with.
            #expect(try await agent.stop() == 0)
            agent = try cloud.startAgent()
            try await cloud.remove(machine)
            try await cloud.remove(next)
            try await Auditor.expectNothingLeft(of: cloud)
            #expect(agent.isRunning)
            #expect(try await agent.stop() == 0)
        }
    }
}

extension SystemCloud {
    /// The key of the first host's join, as its configuration has it.
    fileprivate var joinedKey: String {
        get throws {
            let text = try String(contentsOfFile: hosts[0].folder + "/agent.yaml", encoding: .utf8)
            return String(try #require(text.firstMatch(of: /api_key: '?([A-Za-z0-9_-]+)/)).output.1)
        }
    }

    /// The HTTP status of a node's question with a key, to the other conductor.
    fileprivate func status(of key: String) async throws -> String {
        try await shell(
            "curl",
            "-s",
            "-o",
            "/dev/null",
            "-w",
            "%{http_code}",
            "-H",
            "authorization: Bearer \(key)",
            "\(conductors[1].url)/v1/internal/nodes/node-0/desired"
        )
    }

    /// Runs `gantry` as an operator.
    fileprivate func gantry(_ arguments: String...) async throws -> CommandOutput {
        let key = try await conductors[0].command("operator", "create", "test")
        return try await run(
            SimulatedCloud.program,
            arguments,
            environment: ["GANTRY_URL": conductors[0].url, "GANTRY_API_KEY": key]
        )
    }
}
