// SPDX-License-Identifier: Apache-2.0

import Foundation
import GantryClient
import GantryModel
import GantryProtocol
import GantryTestSupport
import Testing

@Suite("A machine lives on real parts, from a request to SSH and away again (root)", .serialized)
struct MachineLifeTests {
    @Test("Two keys log in over the floating IP; name, script, sizes, metadata and metrics are the guest's own")
    func life() async throws {
        try await SystemCloud.with { cloud in
            let agent = try cloud.startAgent(0, ["GANTRY_METRICS_INTERVAL": "1"])
            let script = "#!/bin/sh\nprintf '%s' 'a\"b$c<&>' > /root-mark\nchmod 644 /root-mark\n"
            let created = try await cloud.create("First VM!", userData: script)
            let machine = try await cloud.wait(for: created, .active)
            #expect(machine.floatingIP != nil)
            #expect(try await cloud.login(machine, key: 0, "hostname") == "first-vm")
            #expect(try await cloud.login(machine, key: 1, "cat /root-mark") == "a\"b$c<&>")
            #expect(try await cloud.ssh(machine, "nproc") == "1")
            let sectors = try #require(try await cloud.ssh(machine, "cat /sys/block/vda/size"))
            #expect(Int(sectors) == 1 << 21)
            let memory = try #require(try await cloud.ssh(machine, "awk '/MemTotal/ { print $2 }' /proc/meminfo"))
            #expect((64 << 10...128 << 10).contains(try #require(Int(memory))))

            let log = try await cloud.api.serialLog(of: machine.id, lines: 10_000)
            #expect(log.contains("gantry-micro: ready"))

            try await expectMetrics(of: machine, cloud)

            try await cloud.conductors[1].api.perform(.stop, on: machine.id)
            try await cloud.wait(for: machine, .shutoff)
            try await cloud.api.perform(.start, on: machine.id)
            try await cloud.wait(for: machine, .active)
            try await cloud.login(machine, "test -e /root-mark")

            try await cloud.remove(machine)
            try await Auditor.expectNothingLeft(of: cloud)
            #expect(try await agent.stop() == 0)
        }
    }

    /// What a guest does is in its metrics, each in its place.
    private func expectMetrics(of machine: InstanceBody, _ cloud: SystemCloud) async throws {
        let size: Int64 = 4_000_000
        // Ones to the outside, so that what was sent exceeds what came.
        try await cloud.login(machine, "dd if=/dev/zero bs=1000000 count=4 2>/dev/null | tr '\\0' 1")
        let metrics = try await eventually("what the guest sent is measured") {
            let metrics = try await cloud.api.metrics(of: machine.id)
            return metrics.networkOut.data.contains { $0.value > size } ? metrics : nil
        }
        let last = try #require(metrics.networkIn.data.last)
        #expect((1..<size).contains(last.value))
        #expect(last.granularity == 60)
        #expect(try #require(metrics.cpu.data.last).value > 1_000_000_000)
        #expect((1...128).contains(try #require(metrics.memory.data.last).value))
        // The kernel and what it starts are read from a disk.
        #expect(try #require(metrics.diskRead.data.last).value > 1 << 20)
        #expect(metrics.diskWrite.data.count == metrics.cpu.data.count)
    }
}
