// SPDX-License-Identifier: Apache-2.0

import Conductor
import Foundation
import GantryModel
import GantryTestSupport
import Testing

@Suite("A machine lives on real parts, from a request to SSH and away again (root)", .serialized)
struct MachineLifeTests {
    @Test("Two keys log in over the floating IP; name, script, sizes and metadata are the guest's own")
    func life() async throws {
        try await SystemCloud.with { cloud in
            let agent = try cloud.startAgent()
            let script = Data("#!/bin/sh\nprintf '%s' 'a\"b$c<&>' > /root-mark\nchmod 644 /root-mark\n".utf8)
            let created = try await cloud.create("First VM!", userData: script)
            let machine = try await cloud.wait(for: created.id, .active)
            #expect(machine.floatingIP != nil)
            #expect(try await cloud.login(machine, key: 0, "hostname") == machine.hostname)
            #expect(try await cloud.login(machine, key: 1, "cat /root-mark") == "a\"b$c<&>")
            #expect(try await cloud.ssh(machine, "nproc") == "1")
            let sectors = try #require(try await cloud.ssh(machine, "cat /sys/block/vda/size"))
            #expect(Int(sectors) == 3 << 21)
            let memory = try #require(try await cloud.ssh(machine, "awk '/MemTotal/ { print $2 }' /proc/meminfo"))
            #expect((150_000...262_144).contains(try #require(Int(memory))))

            try await cloud.perform(.stop, machine.id, conductor: 1)
            try await cloud.wait(for: machine.id, .shutoff)
            try await cloud.perform(.start, machine.id)
            try await cloud.wait(for: machine.id, .active)
            try await cloud.login(machine, "test -e /root-mark")

            try await cloud.perform(.delete, machine.id)
            try await cloud.waitUntilGone(machine.id)
            try await Auditor.expectNothingLeft(of: cloud)
            try await agent.stop()
        }
    }
}
