// SPDX-License-Identifier: Apache-2.0

import Foundation
import GantryClient
import GantryModel
import GantryProtocol
import GantryTestSupport
import Postgres
import Testing

@Suite("A guest that is hibernated and restored, on real parts (root)", .serialized)
struct GuestHibernationTests {
    /// What a guest writes at its first boot, another at each.
    private static let script = """
        #!/bin/sh
        cat /proc/sys/kernel/random/uuid >/root-mark
        chmod 644 /root-mark
        sync
        """

    @Test(
        """
        Asleep it has no address and claims its disk alone; awake it is as large as its new flavor; by that one's policy \
        a stop frees as much
        """,
        .timeLimit(.minutes(4))
    )
    func hibernation() async throws {
        try await SystemCloud.with { cloud in
            let agent = try cloud.startAgent()
            let machine = try await cloud.wait(for: try await cloud.create("web", userData: Self.script), .active)
            let mark = try await cloud.login(machine, "cat /root-mark")
            #expect(try await allocated(cloud) == [1, 128, 1])
            try await cloud.api.perform(.hibernate, on: machine.id)
            let asleep = try await cloud.wait(for: machine, .hibernated)
            #expect((asleep.floatingIP, asleep.vmState) == (nil, "shelved_offloaded"))
            #expect(try await allocated(cloud) == [0, 0, 1])
            #expect(try await cloud.ssh(machine, "true") == nil)
            try await cloud.api.resize(machine.id, to: CloudData.largerFlavor)
            #expect(try await allocated(cloud) == [0, 0, 4])
            try await cloud.api.perform(.restore, on: machine.id)
            let awake = try await cloud.wait(for: machine, .active)
            #expect(try await cloud.login(awake, "cat /root-mark") == mark)
            #expect(try await cloud.ssh(awake, "nproc") == "2")
            #expect(try await cloud.ssh(awake, "cat /sys/block/vda/size") == "\(4 << 21)")
            #expect(try await allocated(cloud) == [2, 512, 4])
            try await cloud.database.transaction { transaction in
                try transaction.execute("UPDATE flavor SET stop_policy = 'release'")
            }
            _ = try await cloud.ssh(awake, "poweroff", asRoot: true)
            try await cloud.wait(for: machine, .shutoff)
            try await eventually("a stop frees it too") { try await allocated(cloud) == [0, 0, 4] }
            try await cloud.api.perform(.start, on: machine.id)
            #expect(try await allocated(cloud) == [2, 512, 4])
            try await cloud.wait(for: machine, .active)
            #expect(try await cloud.login(awake, "cat /root-mark") == mark)
            try await cloud.api.perform(.hibernate, on: machine.id)
            try await cloud.wait(for: machine, .hibernated)
            try await cloud.remove(machine)
            try await Auditor.expectNothingLeft(of: cloud)
            #expect(try await agent.stop() == 0)
        }
    }

    /// vCPUs, MiB of memory and GiB of disk that the hosts' counters say are claimed.
    private func allocated(_ cloud: SystemCloud) async throws -> [Int] {
        try await cloud.database.read { transaction in
            let rows = try transaction.query(
                """
                SELECT sum(allocated_vcpus)::integer AS vcpus, sum(allocated_memory_mib)::integer AS memory_mib,
                    sum(allocated_disk_gib)::integer AS disk_gib FROM compute_node
                """
            )
            let row = try #require(rows.first)
            return try [row["vcpus"], row["memory_mib"], row["disk_gib"]]
        }
    }
}
