// SPDX-License-Identifier: Apache-2.0

import Foundation
import GantryClient
import GantryModel
import GantryProtocol
import GantryTestSupport
import Testing

@Suite("A snapshot is a machine's disk as it was, on every node (root)", .serialized)
struct SnapshotTests {
    @Test(
        "Taken while the guest runs and while it is off; another host boots it, and an image of it outlives it",
        .timeLimit(.minutes(10))
    )
    func life() async throws {
        try await withTemporaryDirectory { folder in
            let store = folder + "/store"
            try await SystemCloud.with(hosts: 2, conductorSettings: ["GANTRY_IMAGE_STORE_DIRECTORY": store]) { cloud in
                let agents = [try cloud.startAgent(0), try cloud.startAgent(1)]
                try await cloud.cordon("node-1")
                let machine = try await cloud.wait(for: cloud.create("source"), .active)
                try await cloud.login(machine, "echo before > /root/mark; sync", asRoot: true)
                let running = try await cloud.takeSnapshot("running", of: machine)
                // No agent answers in this guest.
                #expect(running.isConsistent == false)
                try await cloud.login(machine, "echo after > /root/mark; sync", asRoot: true)

                try await cloud.cordon("node-0")
                let restored = try await cloud.wait(for: cloud.api.restoreSnapshot(running.id, as: "restored"), .active)
                // It is let be reached as any new machine is: not at all.
                _ = try await cloud.api.addSecurityRule(
                    SecurityRuleRequest(direction: "ingress", protocol: "tcp", portRangeMin: 22, portRangeMax: 22),
                    to: restored.id
                )
                #expect(try await cloud.login(restored, "cat /root/mark", asRoot: true) == "before")
                #expect(try await cloud.login(machine, "cat /root/mark", asRoot: true) == "after")

                try await cloud.api.perform(.stop, on: machine.id)
                try await cloud.wait(for: machine, .shutoff)
                let off = try await cloud.takeSnapshot("off", of: machine)
                #expect(off.isConsistent == true)
                let image = try await cloud.api.createImage("golden", ofSnapshot: off.id)
                for snapshot in [running, off] { try await cloud.api.deleteSnapshot(snapshot.id) }
                let made = try await cloud.wait(for: cloud.create("of-golden", image: "golden"), .active)
                #expect(try await cloud.login(made, "cat /root/mark", asRoot: true) == "after")

                for machine in [machine, restored, made] { try await cloud.remove(machine) }
                try await cloud.api.deleteImage(image)
                try await eventually("no file is left in the image store") {
                    try FileManager.default.contentsOfDirectory(atPath: store).isEmpty
                }
                for host in cloud.hosts {
                    #expect(
                        try await host.exec("sh", "-c", "ls \(host.agentFolder)/snapshots 2>/dev/null || true").isEmpty
                    )
                }
                try await Auditor.expectNothingLeft(of: cloud)
                for agent in agents { #expect(try await agent.stop() == 0) }
            }
        }
    }
}
