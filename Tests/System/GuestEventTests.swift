// SPDX-License-Identifier: Apache-2.0

import GantryClient
import GantryModel
import GantryProtocol
import GantryTestSupport
import Testing

@Suite("What a guest does by itself is seen and told (root)", .serialized)
struct GuestEventTests {
    @Test("Its shutdown is SHUTOFF, its panic or its QEMU's end an ERROR; it comes back", .timeLimit(.minutes(10)))
    func ends() async throws {
        try await SystemCloud.with { cloud in
            // Events alone tell of it in time.
            let agent = try cloud.startAgent(0, ["GANTRY_LOOK_INTERVAL": "3600"])
            let machine = try await cloud.wait(for: cloud.create("own"), .active)
            try await cloud.login(machine)
            _ = try await cloud.ssh(machine, "poweroff", asRoot: true)
            try await cloud.wait(for: machine, .shutoff)

            try await cloud.api.perform(.start, on: machine.id)
            try await cloud.wait(for: machine, .active)
            try await cloud.login(machine)
            _ = try await cloud.ssh(machine, "echo c >/proc/sysrq-trigger", asRoot: true)
            let panicked = try await cloud.wait(for: machine, .error)
            #expect(panicked.fault?.code == Fault.Code.guestCrashed.rawValue)

            try await cloud.api.perform(.hardReboot, on: machine.id)
            try await cloud.wait(for: machine, .active)
            let pid = try await cloud.hosts[0].exec("cat", "/run/libvirt/qemu/\(cloud.domain(machine)).pid")
            try await cloud.hosts[0].exec("kill", "-9", pid)
            let killed = try await cloud.wait(for: machine, .error)
            #expect(killed.fault?.code == Fault.Code.guestCrashed.rawValue)
            #expect(killed.fault?.message.isEmpty == false)

            try await cloud.remove(machine)
            try await Auditor.expectNothingLeft(of: cloud)
            #expect(try await agent.stop() == 0)
        }
    }
}
