// SPDX-License-Identifier: Apache-2.0

import Foundation
import GantryClient
import GantryModel
import GantryProtocol
import GantryTestSupport
import Testing

@Suite("Volumes are disks of their own, whatever becomes of machines and agents (root)", .serialized)
struct VolumeTests {
    @Test(
        "Plugged into one guest, then another, grown, kept over a stop and a delete, and gone when deleted",
        .timeLimit(.minutes(10))
    )
    func life() async throws {
        try await SystemCloud.with { cloud in
            let builder = try cloud.startAgent()
            let made = try await cloud.create(cloud.request("vol", count: 2))
            let first = try await cloud.wait(for: made[0], .active)
            let second = try await cloud.wait(for: made[1], .active)
            let volume = try await cloud.createVolume("data")
            let attachments = try await cloud.api.attachVolumes([volume.id], to: first.id)
            let serial = String(try #require(attachments.first).device.trimmingPrefix("/dev/disk/by-id/virtio-"))
            try await cloud.wait(for: volume, attachment: "ATTACHED")
            try await cloud.login(first, Self.onDisk(serial, "printf GANTRY | dd of=$d conv=fsync"), asRoot: true)
            let files = try await cloud.hosts[0].exec("ls", cloud.hosts[0].agentFolder + "/volumes")
            #expect(Auditor.lines(files).count == 1)
            try await cloud.api.detachVolumes([volume.id], from: first.id)
            try await cloud.wait(for: volume, attachment: nil)
            #expect(try await cloud.ssh(first, Self.onDisk(serial, "true"), asRoot: true) == nil)
            try await builder.kill()

            // The other guest gets it from agents that die on the way.
            for (index, point) in ["volumes:after", "plug:before", "plug:after", "define:after"].enumerated() {
                let doomed = try cloud.startAgent(0, ["GANTRY_TEST_KILL_AT": point])
                if index % 2 == 0 {
                    try await cloud.api.attachVolumes([volume.id], to: second.id)
                } else {
                    try await cloud.api.detachVolumes([volume.id], from: second.id)
                }
                try await eventually("the agent is killed at \(point)") { !doomed.isRunning }
                try await doomed.end()
                let agent = try cloud.startAgent()
                try await cloud.wait(for: volume, attachment: index % 2 == 0 ? "ATTACHED" : nil)
                try await agent.kill()
            }
            let agent = try cloud.startAgent()
            try await cloud.api.attachVolumes([volume.id], to: second.id)
            try await cloud.wait(for: volume, attachment: "ATTACHED")
            try await Self.expectData(serial, in: second, cloud)

            try await cloud.api.updateVolume(volume.id, UpdateVolumeRequest(size: 2))
            try await cloud.login(second, Self.onDisk(serial, "test $(cat $s/size) = 4194304"), asRoot: true)
            try await cloud.api.perform(.stop, on: second.id)
            try await cloud.wait(for: second, .shutoff)
            try await cloud.api.perform(.start, on: second.id)
            try await cloud.wait(for: second, .active)
            try await Self.expectData(serial, in: second, cloud)

            try await cloud.remove(second)
            try await cloud.remove(first)
            #expect(try await cloud.api.volume(volume.id)?.status == "available")
            #expect(try await cloud.hosts[0].exec("ls", cloud.hosts[0].agentFolder + "/volumes") == files)
            try await cloud.remove(volume)
            try await Auditor.expectNothingLeft(of: cloud)
            #expect(try await agent.stop() == 0)
        }
    }

    @Test(
        "A machine boots from a volume, and another one from the same after it, with what was written",
        .timeLimit(.minutes(5))
    )
    func boot() async throws {
        try await SystemCloud.with { cloud in
            let agent = try cloud.startAgent()
            try await eventually("the pool is known") { try await cloud.api.volumeTypes() == ["local"] }
            var request = cloud.request("rooted")
            request.createBootableVolume = true
            let first = try await cloud.wait(for: cloud.create(request)[0], .active)
            try await cloud.login(first, "echo kept > /root/mark; sync", asRoot: true)
            try await cloud.remove(first)

            request = cloud.request("again")
            (request.imageName, request.volumeName) = (nil, "rooted")
            let second = try await cloud.wait(for: cloud.create(request)[0], .active)
            #expect(try await cloud.login(second, "cat /root/mark", asRoot: true) == "kept")
            let machine = try await "\(cloud.hosts[0].agentFolder)/machines/\(cloud.uuid(second))"
            #expect(!Auditor.lines(try await cloud.hosts[0].exec("ls", machine)).contains("disk.qcow2"))
            try await cloud.remove(second)
            let volume = try #require(try await cloud.api.volume(second.volumeAttachments[0].volume.id))
            try await cloud.remove(volume)
            try await Auditor.expectNothingLeft(of: cloud)
            #expect(try await agent.stop() == 0)
        }
    }

    @Test(
        "One of a shared pool moves to a machine on another host with its data, once the guest that held it is stopped",
        .timeLimit(.minutes(5))
    )
    func shared() async throws {
        try await withTemporaryDirectory { folder in
            try await SystemCloud.with(hosts: 2, image: TestImage.idle(in: folder)) { cloud in
                let pool = cloud.folder + "/pool"
                try await shell("mkdir", "-m", "755", pool)
                try await shell("touch", pool + "/.gantry-pool")
                let settings = ["GANTRY_STORAGE_SHARED_POOLS": "fast=\(pool)"]
                let agents = [try cloud.startAgent(0, settings), try cloud.startAgent(1, settings)]
                var machines: [InstanceBody] = []
                for (node, other) in [("node-0", "node-1"), ("node-1", "node-0")] {
                    try await cloud.cordon(other)
                    machines.append(try await cloud.wait(for: cloud.create("on-\(node)"), .active))
                    try await cloud.expectBoots(
                        1,
                        of: machines[machines.count - 1],
                        on: cloud.hosts[machines.count - 1]
                    )
                }
                let volume = try await cloud.createVolume("data", type: "fast")
                try await cloud.api.attachVolumes([volume.id], to: machines[0].id)
                try await cloud.wait(for: volume, attachment: "ATTACHED")
                let path = try #require(Auditor.lines(try await shell("sh", "-c", "ls \(pool)/*.qcow2")).first)
                let disks = try await cloud.hosts[0].exec("virsh", "domblklist", cloud.domain(machines[0]))
                #expect(disks.contains(path))
                // While a guest has it nobody else gets it, whatever the database says.
                #expect(try await run("qemu-io", ["-f", "qcow2", "-c", "read 0 512", path]).status != 0)
                await #expect(throws: ClientError.self) {
                    try await cloud.api.attachVolumes([volume.id], to: machines[1].id)
                }
                // A boot sector lets go of nothing: the guest has to be stopped.
                try await cloud.api.detachVolumes([volume.id], from: machines[0].id)
                try await eventually("the guest holds the volume", timeout: .seconds(120)) {
                    try await cloud.api.instance(machines[0].id)?.fault?.code == "volume_held"
                }
                #expect(try await cloud.api.volume(volume.id)?.attachments.map(\.status) == ["DETACHING"])
                try await cloud.api.perform(.stop, on: machines[0].id)
                try await cloud.wait(for: machines[0], .shutoff)
                try await cloud.wait(for: volume, attachment: nil)
                try await shell("qemu-io", "-f", "qcow2", "-c", "write -P 0x5a 0 512", path)

                try await cloud.api.attachVolumes([volume.id], to: machines[1].id)
                try await cloud.wait(for: volume, attachment: "ATTACHED")
                let others = try await cloud.hosts[1].exec("virsh", "domblklist", cloud.domain(machines[1]))
                #expect(others.contains(path))
                for machine in machines { try await cloud.remove(machine) }
                let read = try await shell("qemu-io", "-f", "qcow2", "-c", "read -P 0x5a 0 512", path)
                #expect(!read.contains("verification failed"))
                try await cloud.remove(volume)
                #expect(!FileManager.default.fileExists(atPath: path))
                try await Auditor.expectNothingLeft(of: cloud)
                for agent in agents { try await agent.kill() }
            }
        }
    }

    /// A command that finds the disk with a serial number as `$d`, and its place in sysfs as `$s`.
    private static func onDisk(_ serial: String, _ command: String) -> String {
        "for s in /sys/block/vd*; do [ \"$(cat $s/serial)\" = \(serial) ] && d=/dev/${s##*/} && break; done; [ -n \"$d\" ] && \(command)"
    }

    private static func expectData(_ serial: String, in machine: InstanceBody, _ cloud: SystemCloud) async throws {
        #expect(try await cloud.login(machine, Self.onDisk(serial, "head -c 6 $d"), asRoot: true) == "GANTRY")
    }
}
