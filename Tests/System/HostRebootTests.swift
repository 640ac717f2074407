// SPDX-License-Identifier: Apache-2.0

import GantryClient
import GantryModel
import GantryProtocol
import GantryTestSupport
import Testing

@Suite("A host goes down and comes back (root)", .serialized)
struct HostRebootTests {
    @Test("After a power cut what is to run runs, with its floating IP; the others stay off", .timeLimit(.minutes(10)))
    func powerCut() async throws {
        try await SystemCloud.with { cloud in
            let idle = try await TestImage.idle(in: cloud.folder)
            try await cloud.addImage("idle", url: "file://\(idle.path)", sha256: idle.sha256)
            var agent = try cloud.startAgent()
            let running = try await cloud.wait(for: cloud.create("running"), .active)
            let stopped = try await cloud.wait(for: cloud.create("stopped", image: "idle"), .active)
            let ended = try await cloud.wait(for: cloud.create("ended", image: "idle"), .active)
            try await cloud.login(running, "touch kept && sync")
            for machine in [stopped, ended] { try await cloud.expectBoots(1, of: machine) }
            try await cloud.api.perform(.stop, on: stopped.id)
            try await cloud.wait(for: stopped, .shutoff)
            try await cloud.hosts[0].exec("virsh", "-q", "shutdown", cloud.domain(ended))
            try await cloud.wait(for: ended, .shutoff)

            try await cloud.hosts[0].reboot()
            try await agent.end()
            agent = try cloud.startAgent()
            try await cloud.login(running, "test -e kept")
            try await cloud.wait(for: running, .active)
            for machine in [stopped, ended] {
                try await cloud.wait(for: machine, .shutoff)
                try await cloud.expectBoots(1, of: machine)
            }
            for machine in [running, stopped, ended] { try await cloud.remove(machine) }
            try await Auditor.expectNothingLeft(of: cloud)
            #expect(try await agent.stop() == 0)
        }
    }

    @Test("A guest that the host's own shutdown ends is started again", .timeLimit(.minutes(10)))
    func shutdown() async throws {
        try await SystemCloud.withIdleGuests { cloud in
            let agent = try cloud.startAgent()
            let machine = try await cloud.wait(for: cloud.create("running"), .active)
            try await cloud.expectBoots(1, of: machine)
            // As the host's units stop: the agent first, then libvirt-guests shuts the guests down.
            #expect(try await agent.stop() == 0)
            try await cloud.hosts[0].exec("virsh", "-q", "shutdown", cloud.domain(machine))
            try await eventually("the guest is off") {
                try await cloud.hosts[0].exec("virsh", "domstate", cloud.domain(machine)).contains("shut off")
            }
            try await cloud.hosts[0].reboot()
            let next = try cloud.startAgent()
            try await cloud.expectBoots(2, of: machine)
            try await cloud.wait(for: machine, .active)
            try await cloud.remove(machine)
            try await Auditor.expectNothingLeft(of: cloud)
            #expect(try await next.stop() == 0)
        }
    }
}
