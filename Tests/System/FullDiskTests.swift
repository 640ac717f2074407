// SPDX-License-Identifier: Apache-2.0

import Foundation
import GantryClient
import GantryModel
import GantryProtocol
import GantryTestSupport
import Postgres
import Testing

@Suite("A host's disk is full (root)", .serialized)
struct FullDiskTests {
    @Test("A create fails with that reason and leaves nothing; a delete goes on", .timeLimit(.minutes(10)))
    func fullDisk() async throws {
        try await SystemCloud.withIdleGuests { cloud in
            let host = cloud.hosts[0]
            let disk = try await SmallDisk(at: host.agentFolder, of: host)
            var agent = try cloud.startAgent()
            let early = try await cloud.wait(for: cloud.create("early"), .active)
            try await agent.kill()

            // Placed while there is room; when the agent comes, there is just enough to journal it.
            let big = cloud.folder + "/big"
            try await shell("sh", "-c", "cp \"$1\" \"$2\" && truncate -s 8M \"$2\"", "sh", cloud.image.path, big)
            try await cloud.addImage("big", url: "file://\(big)", sha256: TestImage.digest(of: big))
            let late = try await cloud.create("late", image: "big")
            try await disk.fill(leavingKiB: 4096)
            agent = try cloud.startAgent()
            let failed = try await cloud.wait(for: late, .error)
            #expect(failed.fault?.message.contains("disk is full") == true, "\(failed.fault?.message ?? "no reason")")
            try await Auditor.expectOnly([cloud.domain(early)], on: host)

            // And one that cannot even be journaled.
            try await disk.fill(leavingKiB: 2 << 20)
            try await eventually("the node takes machines again") {
                try await cloud.database.read { try $0.query("SELECT FROM compute_node WHERE schedulable").count == 1 }
            }
            try await agent.kill()
            let later = try await cloud.create("later")
            try await disk.fill(leavingKiB: 0)
            await #expect(throws: CommandFailure.self, "nothing can be written") {
                try await host.exec("sh", "-c", "echo something >\(host.agentFolder)/something")
            }
            agent = try cloud.startAgent()
            let refused = try await cloud.wait(for: later, .error)
            #expect(refused.fault?.message.contains("disk is full") == true, "\(refused.fault?.message ?? "no reason")")
            for machine in [late, later, early] { try await cloud.remove(machine) }
            try await Auditor.expectNothingLeft(of: cloud)
            #expect(try await agent.stop() == 0)
        }
    }
}

/// A file system of its own for a folder of a host, of four gibibytes of which none is there before it is written.
private struct SmallDisk {
    let path: String
    let host: TestHost

    init(at path: String, of host: TestHost) async throws {
        (self.path, self.host) = (path, host)
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        let file = host.folder + "/small-disk"
        try await shell("truncate", "-s", "4G", file)
        try await shell("mkfs.ext4", "-q", "-m", "0", file)
        try await host.exec("mount", "-o", "loop", file, path)
    }

    /// Takes all room but some.
    func fill(leavingKiB rest: Int) async throws {
        try await host.exec(
            "sh",
            "-c",
            """
            rm -f "$1"/filler*
            free=$(df -k --output=avail "$1" | tail -n 1)
            fallocate -l $((free - $2))K "$1/filler"
            [ "$2" = 0 ] || exit 0
            # What writes were given too much comes back when they are on the disk.
            for number in 1 2 3 4; do
                dd if=/dev/zero of="$1/filler$number" bs=4k 2>/dev/null || true
                sync -f "$1"
            done
            """,
            "sh",
            path,
            "\(rest)"
        )
    }
}
