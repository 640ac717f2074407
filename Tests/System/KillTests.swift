// SPDX-License-Identifier: Apache-2.0

import Agent
import Conductor
import GantryModel
import GantryTestSupport
import Testing

@Suite("An agent killed at any step of a create or delete leaves nothing behind and nothing twice (root)", .serialized)
struct KillTests {
    private static let edges = ["before", "after"]

    @Test("A SIGKILL at every step of a create: the machine runs in the end, once", .timeLimit(.minutes(15)))
    func create() async throws {
        try await SystemCloud.with { cloud in
            for step in ConvergenceStep.create {
                for edge in Self.edges {
                    try await kill(at: "\(step.rawValue):\(edge)", duringCreateIn: cloud)
                }
            }
            try await Auditor.expectNothingLeft(of: cloud)
        }
    }

    @Test("A SIGKILL at every step of a delete: nothing is left in the end", .timeLimit(.minutes(15)))
    func delete() async throws {
        try await SystemCloud.with { cloud in
            for step in ConvergenceStep.delete {
                for edge in Self.edges {
                    try await kill(at: "\(step.rawValue):\(edge)", duringDeleteIn: cloud)
                }
            }
            try await Auditor.expectNothingLeft(of: cloud)
        }
    }

    private func kill(at point: String, duringCreateIn cloud: SystemCloud) async throws {
        let doomed = try cloud.startAgent(killAt: point)
        let machine = try await cloud.create("create-\(point.replacing(":", with: "-").replacing("_", with: "-"))")
        try await eventually("the agent is killed at \(point)") { !doomed.isRunning }
        let agent = try cloud.startAgent()
        try await cloud.wait(for: machine.id, .active)
        let domains = try await cloud.hosts[0].exec("virsh", "-q", "list", "--name")
        #expect(domains.contains("\(machine.uuid)"), "after a kill at \(point)")
        try await cloud.perform(.delete, machine.id)
        try await cloud.waitUntilGone(machine.id)
        try await agent.kill()
    }

    private func kill(at point: String, duringDeleteIn cloud: SystemCloud) async throws {
        let builder = try cloud.startAgent()
        let machine = try await cloud.create("delete-\(point.replacing(":", with: "-").replacing("_", with: "-"))")
        try await cloud.wait(for: machine.id, .active)
        try await builder.kill()
        try await cloud.perform(.delete, machine.id)
        let doomed = try cloud.startAgent(killAt: point)
        try await eventually("the agent is killed at \(point)") { !doomed.isRunning }
        let agent = try cloud.startAgent()
        try await cloud.waitUntilGone(machine.id)
        try await eventually("nothing is left after a kill at \(point)") {
            try await Auditor.leftovers(on: cloud.hosts[0]).isEmpty
        }
        try await agent.kill()
    }
}
