// SPDX-License-Identifier: Apache-2.0

import Conductor
import Foundation
import GantryModel
import GantryTestSupport
import Postgres
import Testing

@Suite("What goes wrong is seen, told and healed (root)", .serialized)
struct TroubleTests {
    @Test("A guest's own shutdown is SHUTOFF, its panic ERROR; a hard reboot brings it back", .timeLimit(.minutes(10)))
    func guestsOwn() async throws {
        try await SystemCloud.with { cloud in
            let agent = try cloud.startAgent()
            let machine = try await cloud.wait(for: cloud.create("own").id, .active)
            try await cloud.login(machine)
            _ = try await cloud.ssh(machine, "/bin/busybox poweroff", asRoot: true)
            try await cloud.wait(for: machine.id, .shutoff)

            try await cloud.perform(.start, machine.id)
            try await cloud.wait(for: machine.id, .active)
            try await cloud.login(machine)
            _ = try await cloud.ssh(machine, "sync; echo c >/proc/sysrq-trigger", asRoot: true)
            let failed = try await cloud.wait(for: machine.id, .error)
            #expect(failed.fault?.code == .guestCrashed)

            try await cloud.perform(.hardReboot, machine.id)
            try await cloud.wait(for: machine.id, .active)
            try await cloud.login(machine)
            try await cloud.perform(.delete, machine.id)
            try await cloud.waitUntilGone(machine.id)
            try await Auditor.expectNothingLeft(of: cloud)
            try await agent.stop()
        }
    }

    @Test("libvirtd killed and started again, and the agent too: the guest runs on", .timeLimit(.minutes(10)))
    func libvirtd() async throws {
        try await SystemCloud.with { cloud in
            let agent = try cloud.startAgent()
            let machine = try await cloud.wait(for: cloud.create("steady").id, .active)
            let boot = try await cloud.login(machine, "cat /proc/sys/kernel/random/boot_id")
            try await cloud.hosts[0].restartLibvirtd()
            let another = try await cloud.wait(for: cloud.create("after").id, .active)
            try await agent.kill()
            let next = try cloud.startAgent()
            try await cloud.perform(.delete, another.id)
            try await cloud.waitUntilGone(another.id)
            #expect(try await cloud.login(machine, "cat /proc/sys/kernel/random/boot_id") == boot)
            try await cloud.perform(.delete, machine.id)
            try await cloud.waitUntilGone(machine.id)
            try await Auditor.expectNothingLeft(of: cloud)
            try await next.stop()
        }
    }

    @Test("An image that cannot be used is an ERROR with the reason, and leaves nothing", .timeLimit(.minutes(10)))
    func badImages() async throws {
        try await SystemCloud.with { cloud in
            let agent = try cloud.startAgent()
            for bad in try await BadImage.all(from: cloud.image, in: cloud.folder) {
                let image = try await cloud.addImage(bad)
                let machine = try await cloud.create(bad.name, image: image)
                let failed = try await cloud.wait(for: machine.id, .error)
                #expect(failed.fault?.code == bad.code, "\(bad.name): \(failed.fault?.message ?? "")")
                try await cloud.perform(.delete, machine.id)
                try await cloud.waitUntilGone(machine.id)
            }
            try await Auditor.expectNothingLeft(of: cloud)
            try await agent.stop()
        }
    }
}

/// An image that a node must refuse.
struct BadImage: Sendable {
    let name: String
    let url: String
    let sha256: String
    let code: Fault.Code

    /// One of each kind, made from a good image.
    static func all(from good: TestImage, in folder: String) async throws -> [BadImage] {
        let zeros = String(repeating: "0", count: 64)
        func file(_ name: String, _ code: Fault.Code, _ make: (String) async throws -> Void) async throws -> BadImage {
            let path = "\(folder)/\(name)"
            try await make(path)
            let digest = try await shell("sha256sum", path).prefix(64)
            return BadImage(name: name, url: "file://\(path)", sha256: String(digest), code: code)
        }
        return [
            BadImage(name: "missing", url: "file://\(folder)/nowhere", sha256: zeros, code: .imageMissing),
            BadImage(name: "changed", url: "file://\(good.path)", sha256: zeros, code: .imageDigestMismatch),
            try await file("text", .imageInvalid) { path in
                try Data("no disk at all".utf8).write(to: URL(filePath: path))
            },
            try await file("backed", .imageUnsafe) { path in
                try await shell(
                    "qemu-img",
                    "create",
                    "-q",
                    "-f",
                    "qcow2",
                    "-F",
                    "raw",
                    "-b",
                    "/etc/passwd",
                    "-u",
                    path,
                    "1G"
                )
            },
            try await file("elsewhere", .imageUnsafe) { path in
                let data = "data_file=\(path).data"
                try await shell("qemu-img", "create", "-q", "-f", "qcow2", "-o", data, path, "1G")
            },
            try await file("huge", .imageTooLarge) { path in
                try await shell("qemu-img", "create", "-q", "-f", "qcow2", path, "100G")
            },
        ]
    }
}

extension SystemCloud {
    /// Registers an image.
    func addImage(_ image: BadImage) async throws -> ImageID {
        try await database.transaction { transaction in
            let id: Int64 =
                try
                transaction.query(
                    """
                    INSERT INTO image (region_id, name, url, sha256, format)
                    VALUES (\(ids.region), \(image.name), \(image.url), \(image.sha256), 'qcow2') RETURNING id
                    """
                )[0]["id"]
            return ImageID(id)
        }
    }
}
