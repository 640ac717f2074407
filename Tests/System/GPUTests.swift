// SPDX-License-Identifier: Apache-2.0

import GantryClient
import GantryModel
import GantryProtocol
import GantryTestSupport
import Testing

@Suite("GPUs of an emulated host, with systemd, in guests that boot (root)", .serialized)
struct GPUTests {
    @Test("A guest has exactly its devices, whatever happens to guest, agent and host", .timeLimit(.minutes(20)))
    func life() async throws {
        try await GPUCloud.with { cloud in
            try await cloud.waitForFree(["01", "02", "05"])
            let machine = try await cloud.create(cloud.request("two", flavor: "double"))[0]
            try await cloud.wait(for: machine, .active)
            try await cloud.expectBoot(1, of: machine, with: GPUCloud.single + GPUCloud.other)
            await #expect(throws: ClientError.self) {
                try await cloud.api.createInstances(cloud.request("late", flavor: "single"))
            }

            try await cloud.api.perform(.stop, on: machine.id)
            try await cloud.wait(for: machine, .shutoff)
            try await cloud.api.perform(.start, on: machine.id)
            try await cloud.wait(for: machine, .active)
            try await cloud.expectBoot(2, of: machine, with: GPUCloud.single + GPUCloud.other)

            try await cloud.host.run("virsh -q reset \(cloud.domain(machine))")
            try await cloud.expectBoot(3, of: machine, with: GPUCloud.single + GPUCloud.other)

            try await cloud.host.reset()
            try await cloud.expectBoot(4, of: machine, with: GPUCloud.single + GPUCloud.other)

            try await cloud.api.deleteInstance(machine.id)
            try await cloud.waitUntilGone(machine)
            try await cloud.waitForFree(["01", "02", "05"])
            let next = try await cloud.create(cloud.request("next", flavor: "single"))[0]
            try await cloud.wait(for: next, .active)
            try await cloud.remove(next)
        }
    }
}

extension GPUCloud {
    /// Waits until the units of some buses are free, and fails when one is faulty.
    fileprivate func waitForFree(_ buses: [String]) async throws {
        try await eventually("the GPUs are clean", timeout: .seconds(120)) {
            let states = try await self.states
            let of = buses.map { states["0000:\($0):00.0"] }
            guard !of.contains("faulty") else { throw CommandFailure(description: "\(states)") }
            return of.allSatisfy { $0 == "free" }
        }
    }

    /// Waits until a guest has booted so often, and looks at what it had at the last of its boots.
    fileprivate func expectBoot(_ count: Int, of machine: InstanceBody, with gpus: [String]) async throws {
        let boots = try await eventually("\(machine.name) has booted \(count) times", timeout: .seconds(240)) {
            let boots = (try? await self.boots(of: machine)) ?? []
            return boots.count >= count ? boots : nil
        }
        #expect(boots.count == count)
        // The display of each guest that has GPUs is virtio's too.
        let seen = (boots.last ?? []).filter { (GPUCloud.single + GPUCloud.other).contains($0) }
        #expect(seen.sorted() == (gpus + GPUCloud.other).sorted())
    }
}
