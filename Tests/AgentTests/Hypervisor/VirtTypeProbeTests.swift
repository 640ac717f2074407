// SPDX-License-Identifier: Apache-2.0

import Agent
import Testing

@Suite("KVM is taken when a guest has booted with it, and the operator is told why")
struct VirtTypeProbeTests {
    private struct Refusal: Error, CustomStringConvertible {
        let description = "no such luck"
    }

    @Test("What the operator set is not put to a test", arguments: [VirtTypeProbe.Wish.kvm, .qemu])
    func set(_ wish: VirtTypeProbe.Wish) async {
        let verdict = await VirtTypeProbe.run(wish, hasDevice: wish == .qemu) { throw Refusal() }
        #expect(verdict.virtType.rawValue == wish.rawValue)
        #expect(verdict.reason.contains(wish.rawValue))
    }

    @Test("Left to the agent, the device, the boot and both decide")
    func auto() async {
        let booted = await VirtTypeProbe.run(.auto, hasDevice: true) {}
        #expect(booted.virtType == .kvm)
        let failed = await VirtTypeProbe.run(.auto, hasDevice: true) { throw Refusal() }
        #expect(failed.virtType == .qemu && failed.reason.contains("no such luck"))
        let without = await VirtTypeProbe.run(.auto, hasDevice: false) {}
        #expect(without.virtType == .qemu && without.reason.contains("/dev/kvm"))
    }

    @Test("The guest of the test boots, by emulation where that is all there is, and says so")
    func boot() async throws {
        try await VirtTypeProbe.boot(with: "tcg")
        await #expect(throws: Command.Failure.self) { try await VirtTypeProbe.boot(with: "nonsense") }
    }
}
