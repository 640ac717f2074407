// SPDX-License-Identifier: Apache-2.0

import Foundation

/// Whether guests run on this host's KVM. The device file alone proves nothing: a guest has to have booted.
package enum VirtTypeProbe {
    package enum Wish: String, Sendable, CaseIterable { case auto, kvm, qemu }

    /// The choice and, in words for the operator, why.
    package struct Verdict: Hashable, Sendable {
        package let virtType: VirtType
        package let reason: String
    }

    package static func run(_ wish: Wish) async -> Verdict {
        await run(wish, hasDevice: FileManager.default.fileExists(atPath: "/dev/kvm")) { try await boot(with: "kvm") }
    }

    /// The choice, by what is found out.
    package static func run(_ wish: Wish, hasDevice: Bool, boot: () async throws -> Void) async -> Verdict {
        switch wish {
        case .kvm: return Verdict(virtType: .kvm, reason: "virt_type is set to kvm")
        case .qemu: return Verdict(virtType: .qemu, reason: "virt_type is set to qemu: guests are emulated")
        case .auto: break
        }
        guard hasDevice else {
            return emulated(
                "/dev/kvm does not exist; turn virtualization on in the firmware and load kvm_intel or kvm_amd"
            )
        }
        do {
            try await boot()
            return Verdict(virtType: .kvm, reason: "a guest booted with KVM")
        } catch {
            return emulated("a guest did not boot with KVM (\(error))")
        }
    }

    private static func emulated(_ reason: String) -> Verdict {
        Verdict(virtType: .qemu, reason: "guests are emulated, slowly: \(reason)")
    }

    private struct WrongAnswer: Error, CustomStringConvertible {
        let description = "it ended without the guest's word"
    }

    /// Boots the guest of ``ProbeSector``.
    ///
    /// - Parameter accelerator: QEMU's, such as `kvm`.
    /// - Throws: What QEMU said instead.
    package static func boot(with accelerator: String) async throws {
        let path = FileManager.default.temporaryDirectory.path + "/gantry-kvm-probe-\(UUID().uuidString)"
        try ProbeSector.disk.write(to: URL(filePath: path))
        defer { try? FileManager.default.removeItem(atPath: path) }
        do {
            try await Command(
                "qemu-system-x86_64",
                [
                    "-accel", accelerator, "-M", "q35", "-m", "16", "-nodefaults", "-display", "none",
                    "-no-user-config",
                    "-no-reboot", "-device", "isa-debug-exit,iobase=0xf4,iosize=0x04",
                    "-drive", "file=\(path),format=raw,if=ide,readonly=off",
                ],
                deadline: .seconds(10)
            )
            .run()
            throw WrongAnswer()
        } catch let failure as Command.Failure where failure.status == ProbeSector.exitStatus {
            return
        }
    }
}
