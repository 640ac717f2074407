// SPDX-License-Identifier: Apache-2.0

import Foundation
import GantryModel
import GantryProtocol
import GantryTestSupport
import Testing

@testable import Agent

@Suite("A volume's file is made once, only grows, and goes only when asked")
struct VolumeFileTests {
    private func size(_ path: String) async throws -> UInt64 {
        try ImageCheck.virtualSize(path: path, format: .qcow2)
    }

    /// Writes a byte to the first sector and reads it back with QEMU's own tool.
    private func io(_ path: String, _ command: String) async throws -> String {
        try await shell("qemu-io", "-f", "qcow2", "-c", command, path)
    }

    @Test("An empty one is made, keeps its data when it is wanted again, and grows with it")
    func life() async throws {
        try await withTemporaryDirectory { folder in
            var volume = VolumeSpec(uuid: VolumeUUID(), pool: "local", sizeGiB: 1)
            let path = LocalPool(name: "local", directory: folder).path(of: volume.uuid)
            try await VolumeFile.ensure(volume, at: path, from: nil)
            #expect(try await size(path) == 1 << 30)
            _ = try await io(path, "write -P 0x5a 0 512")
            volume.sizeGiB = 2
            volume.isNew = false
            try await VolumeFile.ensure(volume, at: path, from: nil)
            #expect(try await size(path) == 2 << 30)
            volume.sizeGiB = 1
            try await VolumeFile.ensure(volume, at: path, from: nil)
            #expect(try await size(path) == 2 << 30)
            let read = try await io(path, "read -P 0x5a 0 512")
            #expect(!read.contains("verification failed"))
            try VolumeFile.remove(at: path)
            try VolumeFile.remove(at: path)
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
        }
    }

    @Test("One that was in use and is gone is not made anew")
    func lost() async throws {
        try await withTemporaryDirectory { folder in
            let volume = VolumeSpec(uuid: VolumeUUID(), pool: "local", sizeGiB: 1, isNew: false)
            await #expect(throws: Fault.self) {
                try await VolumeFile.ensure(volume, at: folder + "/v.qcow2", from: nil)
            }
            let names = try FileManager.default.contentsOfDirectory(atPath: folder)
            #expect(names.isEmpty)
        }
    }

    @Test("One from an image is a whole copy, as large as wanted; what a crash left of it is no obstacle")
    func image() async throws {
        try await withTemporaryDirectory { folder in
            let imagePath = folder + "/image.raw"
            try (Data("GANTRY".utf8) + Data(count: 1 << 20 - 6)).write(to: URL(filePath: imagePath))
            let image = ImageSource(
                name: "image",
                url: "file://\(imagePath)",
                sha256: try SHA256Digest(String(repeating: "a", count: 64)),
                format: .raw
            )
            let volume = VolumeSpec(uuid: VolumeUUID(), pool: "local", sizeGiB: 1, image: image)
            let path = folder + "/\(volume.uuid).qcow2"
            try Data("half".utf8).write(to: URL(filePath: path + ".new"))
            try await VolumeFile.ensure(volume, at: path, from: imagePath)
            #expect(try await size(path) == 1 << 30)
            try FileManager.default.removeItem(atPath: imagePath)
            let read = try await io(path, "read -P 0x47 0 1")
            #expect(!read.contains("verification failed"))
            #expect(!FileManager.default.fileExists(atPath: path + ".new"))
        }
    }

    @Test("A file that names another one is refused before any program opens it")
    func unsafe() async throws {
        try await withTemporaryDirectory { folder in
            let path = folder + "/v.qcow2"
            try await shell("qemu-img", "create", "-q", "-f", "raw", folder + "/secret", "1M")
            try await shell("qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", folder + "/secret", path)
            let volume = VolumeSpec(uuid: VolumeUUID(), pool: "local", sizeGiB: 1)
            await #expect(throws: Fault.self) { try await VolumeFile.ensure(volume, at: path, from: nil) }
        }
    }
}
