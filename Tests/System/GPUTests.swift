// SPDX-License-Identifier: Apache-2.0

import Foundation
import GantryClient
import GantryModel
import GantryProtocol
import GantryTestSupport
import Testing

@Suite("GPUs of an emulated host, with systemd, in guests that boot (root)", .serialized, .timeLimit(.minutes(60)))
struct GPUTests {
    private static let free = ["01", "02", "05"]
    private static let isWhole = ProcessInfo.processInfo.environment["GANTRY_TEST_ALL"] != nil

    @Test("A guest has exactly its devices; they are cleaned before others have them")
    func life() async throws {
        try await GPUCloud.with { cloud in
            try await cloud.waitForStates(Self.free, "free")
            // The firmware's display stays with its host.
            #expect(try await cloud.states["0000:00:01.0"] == "faulty")
            let two = try await cloud.create(cloud.request("two", flavor: "double"))[0]
            try await cloud.wait(for: two, .active)
            let late = await #expect(throws: ClientError.self) {
                try await cloud.api.createInstances(cloud.request("late", flavor: "single"))
            }
            #expect(late?.reason == "no_capacity")
            try await cloud.expectBus(of: two, with: GPUCloud.single + GPUCloud.other)
            if Self.isWhole { try await cloud.expectBoot(1, of: two, with: GPUCloud.single + GPUCloud.other) }
            let pair = try await cloud.create(cloud.request("pair", flavor: "pair"))[0]
            try await cloud.wait(for: pair, .active)
            #expect(try await cloud.devices(of: pair) == 2)
            try await cloud.remove(pair)
            try await cloud.waitForStates(["05"], "free")

            try await cloud.remove(two)
            try await cloud.waitForStates(Self.free, "free")
            try await cloud.tellSteps()
        }
    }

    @Test(
        "A host that lost power starts its guests with their GPUs; what cannot be cleaned is faulty until it can",
        .enabled(if: isWhole, "it takes minutes; make test-all")
    )
    func powerLoss() async throws {
        try await GPUCloud.with { cloud in
            try await cloud.waitForStates(Self.free, "free")
            let two = try await cloud.create(cloud.request("two", flavor: "double"))[0]
            try await cloud.wait(for: two, .active)
            try await cloud.expectBoot(1, of: two, with: GPUCloud.single + GPUCloud.other)
            // Its boots are counted by what it said. What else is not on disk yet is lost with the power.
            try await cloud.host.run("sync /var/lib/gantry/machines/*/console.log")
            try await cloud.host.reset()
            try await cloud.expectBoot(2, of: two, with: GPUCloud.single + GPUCloud.other)

            try await cloud.host.run("touch /var/lib/gantry/cleaning-fails")
            try await cloud.remove(two)
            try await cloud.waitForStates(["01", "02"], "faulty")
            try await cloud.host.run("rm /var/lib/gantry/cleaning-fails")
            for gpu in try await cloud.operators.gpus(state: "faulty") where gpu.reason?.contains("not empty") == true {
                _ = try await cloud.operators.retryGPU(gpu.id)
            }
            try await cloud.waitForStates(Self.free, "free")
            let next = try await cloud.create(cloud.request("next", flavor: "double"))[0]
            try await cloud.wait(for: next, .active)
            try await cloud.remove(next)
            try await cloud.waitForStates(Self.free, "free")
        }
    }

    @Test(
        "A killed agent and a pulled card: nothing is lost, nothing is given away that is not there or not clean",
        .enabled(if: isWhole, "it takes minutes; make test-all")
    )
    func trouble() async throws {
        try await GPUCloud.with { cloud in
            try await cloud.waitForStates(Self.free, "free")
            for point in ["bind:before", "bind:after", "define:after", "start:after"] {
                try await cloud.host.run(
                    """
                    systemctl set-environment GANTRY_TEST_KILL_AT=\(point)
                    systemctl restart gantry-agent
                    systemctl unset-environment GANTRY_TEST_KILL_AT
                    """
                )
                let machine = try await cloud.create(cloud.request("killed", flavor: "double"))[0]
                try await cloud.wait(for: machine, .active)
                #expect(try await cloud.devices(of: machine) == 2, "after a kill at \(point)")
                try await cloud.api.perform(.hardReboot, on: machine.id)
                try await cloud.wait(for: machine, .active)
                #expect(try await cloud.devices(of: machine) == 2, "after a reboot, killed at \(point)")
                try await cloud.remove(machine)
                try await cloud.waitForStates(Self.free, "free")
            }

            try await cloud.host.unplug("gpu1")
            try await eventually("the card is missing") { try await !cloud.gpu("01").present }
            await #expect(throws: ClientError.self) {
                try await cloud.api.createInstances(cloud.request("no", flavor: "double"))
            }
            try await cloud.host.plugCard()
            try await eventually("the card is back", timeout: .seconds(60)) { try await cloud.gpu("01").present }
            try await cloud.waitForStates(Self.free, "free")
            #expect(try await cloud.gpu("01").claim > 1)
        }
    }

    @Test(
        "A card that is pulled while a guest has it stays the machine's, which has it again once it is back",
        .enabled(if: isWhole, "it takes minutes; make test-all")
    )
    func pulled() async throws {
        try await GPUCloud.with { cloud in
            try await cloud.waitForStates(Self.free, "free")
            let two = try await cloud.create(cloud.request("two", flavor: "double"))[0]
            try await cloud.wait(for: two, .active)
            try await cloud.host.unplug("gpu1")
            // Until its QEMU ends, the kernel waits for it to let go.
            try await cloud.api.perform(.hardReboot, on: two.id)
            try await eventually("the card is missing", timeout: .seconds(120)) { try await !cloud.gpu("01").present }
            #expect(try await cloud.gpu("01").state == "allocated")
            let degraded = try await cloud.api.instance(two.id)
            #expect(degraded?.degradedReason == "The host no longer has it.")
            try await eventually("the machine says why it cannot start", timeout: .seconds(60)) {
                try await cloud.api.instance(two.id)?.fault?.code == "host_gpu_unavailable"
            }
            try await cloud.host.plugCard()
            try await eventually("the card is back", timeout: .seconds(60)) { try await cloud.gpu("01").present }
            try await cloud.api.perform(.hardReboot, on: two.id)
            try await cloud.wait(for: two, .active)
            #expect(try await cloud.devices(of: two) == 2)
            #expect(try #require(try await cloud.api.instance(two.id)).degradedReason == nil)
            try await cloud.remove(two)
            try await cloud.waitForStates(Self.free, "free")
        }
    }

    @Test(
        "An operator returns a card to the host's driver, and takes it back",
        .enabled(if: isWhole, "it takes minutes; make test-all")
    )
    func returned() async throws {
        try await GPUCloud.with { cloud in
            try await cloud.waitForStates(Self.free, "free")
            #expect(try await cloud.host.driver(of: "02") == "vfio-pci")
            let card = try await cloud.gpu("02")
            _ = try await cloud.operators.returnGPU(card.id, reason: "new firmware")
            try await eventually("the host's driver has the card") {
                try await cloud.host.driver(of: "02") == "virtio-pci"
            }
            try await cloud.host.run("systemctl restart gantry-agent")
            try await cloud.waitForStates(["02"], "faulty")
            await #expect(throws: ClientError.self) {
                try await cloud.api.createInstances(cloud.request("no", flavor: "double"))
            }
            _ = try await cloud.operators.uncordonGPU(card.id)
            try await cloud.waitForStates(["02"], "free")
            #expect(try await cloud.host.driver(of: "02") == "vfio-pci")
        }
    }

    @Test(
        "Guests' memory is made of huge pages, of which no more are given than the host has",
        .enabled(if: isWhole, "it takes minutes; make test-all")
    )
    func hugePages() async throws {
        try await GPUCloud.with { cloud in
            try await cloud.host.run(
                """
                echo 160 >/proc/sys/vm/nr_hugepages
                systemctl set-environment GANTRY_HUGE_PAGES=2MiB
                systemctl restart gantry-agent
                """
            )
            try await eventually("the node has 160 pages of 2 MiB") {
                let total = try await cloud.operators.node("gpu-node").total
                return total.memoryMiB == 320
            }
            try await cloud.waitForStates(Self.free, "free")
            #expect(try await cloud.host.freeHugePages == 160)
            let two = try await cloud.create(cloud.request("two", flavor: "double"))[0]
            try await cloud.wait(for: two, .active)
            // All of it at once, since VFIO pins what devices may write to.
            #expect(try await cloud.host.freeHugePages == 160 - 128)
            let more = await #expect(throws: ClientError.self) {
                try await cloud.api.createInstances(cloud.request("more", flavor: "pair"))
            }
            #expect(more?.reason == "no_capacity")
            try await cloud.expectBoot(1, of: two, with: GPUCloud.single + GPUCloud.other)
            try await cloud.remove(two)
            try await cloud.waitForStates(Self.free, "free")
            #expect(try await cloud.host.freeHugePages == 160)
        }
    }
}

extension GPUCloud {
    /// Waits until the units of some buses have a state.
    fileprivate func waitForStates(_ buses: [String], _ state: String) async throws {
        try await eventually("GPUs \(buses) are \(state)", timeout: .seconds(120)) {
            let states = try await self.states
            return buses.allSatisfy { states["0000:\($0):00.0"] == state }
        }
    }

    fileprivate func gpu(_ bus: String) async throws -> AdminGPUBody {
        try #require(try await operators.gpus().first { $0.address == "0000:\(bus):00.0" })
    }

    /// Prints how long the agent's steps took, so that its own time can be told from QEMU's, which is in `start`.
    fileprivate func tellSteps() async throws {
        let steps = try await host.stepSeconds()
        #expect(Set(["bind", "define", "start", "destroy"]).isSubset(of: steps.keys), "\(steps)")
        let texts = steps.sorted { $0.value > $1.value }
            .map { "\($0.key) \($0.value.formatted(.number.precision(.fractionLength(2))))" }
        print("Seconds of the agent's steps with GPUs, emulated: \(texts.joined(separator: ", "))")
    }

    /// How many of the host's devices the guest's QEMU has, as its monitor says.
    fileprivate func devices(of machine: InstanceBody) async throws -> Int {
        let words = #"{"execute":"qom-list","arguments":{"path":"/machine/peripheral"}}"#
        let answer = try await host.run("virsh -q qemu-monitor-command \(domain(machine)) '\(words)'")
        return answer.ranges(of: "child<vfio-pci>").count
    }

    /// Waits until a guest's firmware has found what is on its bus, as its QEMU says. Its kernel, emulated by an emulated
    /// machine, may take a quarter of an hour longer to say the same.
    fileprivate func expectBus(of machine: InstanceBody, with gpus: [String]) async throws {
        // The display of each guest is virtio's too.
        let wanted = (gpus + GPUCloud.other).sorted()
        try await eventually("\(machine.name) has \(wanted) on its bus", timeout: .seconds(600)) {
            let answer = try await host.run("virsh -q qemu-monitor-command --hmp \(domain(machine)) 'info pci'")
            let seen = answer.matches(of: /PCI device ([0-9a-f]{4}:[0-9a-f]{4})/).map { String($0.1) }
            return seen.filter { wanted.contains($0) }.sorted() == wanted
        }
    }

    /// Waits until a guest has booted so often, and looks at what it had at the last of its boots.
    fileprivate func expectBoot(_ count: Int, of machine: InstanceBody, with gpus: [String]) async throws {
        let boots = try await eventually("\(machine.name) has booted \(count) times", timeout: .seconds(1200)) {
            let boots = (try? await self.boots(of: machine)) ?? []
            return boots.count >= count ? boots : nil
        }
        #expect(boots.count == count)
        // The display of each guest is virtio's too.
        let seen = (boots.last ?? []).filter { (GPUCloud.single + GPUCloud.other).contains($0) }
        #expect(seen.sorted() == (gpus + GPUCloud.other).sorted())
    }
}
