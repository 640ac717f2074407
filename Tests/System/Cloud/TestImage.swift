// SPDX-License-Identifier: Apache-2.0

import Foundation
import GantryTestSupport

/// A guest's image, built when it is not yet.
struct TestImage: Sendable {
    let path: String
    let sha256: String
    /// Who may log in.
    let user: String

    static func micro() async throws -> TestImage { try await build("micro", user: "gantry") }
    static func debian() async throws -> TestImage { try await build("debian", user: "debian") }

    /// Where images are built and kept.
    static var folder: String {
        let environment = ProcessInfo.processInfo.environment
        let cache = environment["GANTRY_CACHE"] ?? (environment["HOME"] ?? "/root") + "/.cache/gantry"
        return environment["GANTRY_IMAGES"] ?? cache + "/images"
    }

    private static func build(_ name: String, user: String) async throws -> TestImage {
        try await shell(Repository.path("Packaging/images/build"), name, folder)
        let digest = try String(contentsOfFile: "\(folder)/\(name).sha256", encoding: .utf8)
        return TestImage(
            path: "\(folder)/\(name).qcow2",
            sha256: digest.trimmingCharacters(in: .whitespacesAndNewlines),
            user: user
        )
    }

    /// A guest that is no more than a boot sector and costs next to nothing. It writes one `B` to its console when it
    /// boots, and powers off when its button is pressed (ACPI specification, PM1 registers; q35 has them at 0x600).
    static func idle(in folder: String) async throws -> TestImage {
        let program: [UInt8] = [
            0xBA, 0xF8, 0x03,  //         mov  dx, 0x3f8      the console
            0xB0, 0x42,  //               mov  al, 'B'
            0xEE,  //                     out  dx, al
            0xBA, 0x02, 0x06,  //         mov  dx, 0x602      PM1_EN
            0xB8, 0x00, 0x01,  //         mov  ax, 0x100      PWRBTN_EN
            0xEF,  //                     out  dx, ax
            0xFB,  //                     sti
            0xF4,  //               wait: hlt
            0xBA, 0x00, 0x06,  //         mov  dx, 0x600      PM1_STS
            0xED,  //                     in   ax, dx
            0xF6, 0xC4, 0x01,  //         test ah, 1          PWRBTN_STS
            0x74, 0xF6,  //               jz   wait
            0xBA, 0x04, 0x06,  //         mov  dx, 0x604      PM1_CNT
            0xB8, 0x00, 0x20,  //         mov  ax, 0x2000     SLP_EN, S5
            0xEF,  //                     out  dx, ax
            0xEB, 0xFE,  //               jmp  $
        ]
        let sector = Data(program) + Data(count: 510 - program.count) + Data([0x55, 0xAA])
        try (sector + Data(count: 1 << 20 - 512)).write(to: URL(filePath: folder + "/idle.raw"))
        let path = folder + "/idle.qcow2"
        try await shell("qemu-img", "convert", "-q", "-f", "raw", "-O", "qcow2", folder + "/idle.raw", path)
        return TestImage(path: path, sha256: try await digest(of: path), user: "nobody")
    }

    /// The SHA-256 of a file.
    static func digest(of path: String) async throws -> String {
        String(try await shell("sha256sum", path).prefix(64))
    }
}
