// SPDX-License-Identifier: Apache-2.0

import GantryClient
import GantryModel
import GantryProtocol
import GantryTestSupport
import Testing

@Suite("What the agent works with goes away and comes back (root)", .serialized)
struct ServiceTroubleTests {
    @Test("libvirtd: its guests are unknown meanwhile and run on; what was asked for waits", .timeLimit(.minutes(10)))
    func libvirtd() async throws {
        try await SystemCloud.withIdleGuests { cloud in
            let agent = try cloud.startAgent()
            let steady = try await cloud.wait(for: cloud.create("steady"), .active)
            let stopped = try await cloud.wait(for: cloud.create("stopped"), .active)
            try await cloud.expectBoots(1, of: stopped)
            try await cloud.hosts[0].stopLibvirtd()
            try await cloud.wait(for: steady, .unknown)
            try await cloud.waitForAgent(saying: #""hypervisor":{"reason":"#)
            try await cloud.api.perform(.stop, on: stopped.id)
            try await cloud.hosts[0].startLibvirtd()
            try await cloud.wait(for: stopped, .shutoff)
            try await cloud.wait(for: steady, .active)
            try await cloud.waitForAgent(saying: #""status":"ready""#)
            try await cloud.expectBoots(1, of: steady)
            for machine in [steady, stopped] { try await cloud.remove(machine) }
            try await Auditor.expectNothingLeft(of: cloud)
            #expect(try await agent.stop() == 0)
        }
    }

    @Test("RabbitMQ: requests are taken meanwhile, and the queue carries them later", .timeLimit(.minutes(10)))
    func broker() async throws {
        // Agents ask for what is wanted at their start alone, so that nothing but the queue can bring it.
        try await SystemCloud.withIdleGuests(conductorSettings: ["GANTRY_NODE_DESIRED_INTERVAL": "3600"]) { cloud in
            let agent = try cloud.startAgent()
            let before = try await cloud.wait(for: cloud.create("before"), .active)
            let services = try await TestServices.shared
            async let restart: Void = services.restartRabbitMQ()
            let during = try await cloud.create("during")
            try await restart
            try await cloud.wait(for: during, .active)
            for machine in [before, during] { try await cloud.remove(machine) }
            try await Auditor.expectNothingLeft(of: cloud)
            #expect(try await agent.stop() == 0)
        }
    }

    @Test("Every conductor: guests run on, and what happened meanwhile is told later", .timeLimit(.minutes(10)))
    func conductors() async throws {
        try await SystemCloud.withIdleGuests { cloud in
            let agent = try cloud.startAgent()
            let steady = try await cloud.wait(for: cloud.create("steady"), .active)
            let ending = try await cloud.wait(for: cloud.create("ending"), .active)
            try await cloud.expectBoots(1, of: ending)
            for conductor in cloud.conductors { try await conductor.kill() }
            try await cloud.hosts[0].exec("virsh", "-q", "shutdown", cloud.domain(ending))
            try await eventually("the guest is off") {
                try await cloud.hosts[0].exec("virsh", "domstate", cloud.domain(ending)).contains("shut off")
            }
            try await agent.kill()
            let next = try cloud.startAgent()
            for conductor in cloud.conductors { try await conductor.start() }
            try await cloud.wait(for: ending, .shutoff)
            try await cloud.wait(for: steady, .active)
            try await cloud.expectBoots(1, of: steady)
            for machine in [steady, ending] { try await cloud.remove(machine) }
            try await Auditor.expectNothingLeft(of: cloud)
            #expect(try await next.stop() == 0)
        }
    }
}

extension SystemCloud {
    /// Waits until the first host's agent says of its parts what is wanted.
    fileprivate func waitForAgent(saying words: String) async throws {
        try await eventually("the agent says \(words)") {
            try await hosts[0].exec("curl", "-s", "http://127.0.0.1:9180/readyz").contains(words)
        }
    }
}
