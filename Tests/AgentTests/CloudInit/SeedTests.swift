// SPDX-License-Identifier: Apache-2.0

import Agent
import Foundation
import GantryModel
import GantryProtocol
import GantryTestSupport
import Testing

@Suite("A seed is a volume that a guest finds its files on, byte for byte")
struct SeedTests {
    private let uuid = MachineUUID()

    /// The files of a volume, by name.
    private func contents(of volume: String, in folder: String) async throws -> [String: Data] {
        let copy = "\(folder)/copy"
        var files: [String: Data] = [:]
        for path in try await shell("isoinfo", "-R", "-f", "-i", volume).split(separator: "\n") {
            try await shell("sh", "-c", "isoinfo -R -i \(volume) -x \(path) >\(copy)")
            files[String(path.dropFirst())] = try Data(contentsOf: URL(filePath: copy))
        }
        try FileManager.default.removeItem(atPath: copy)
        return files
    }

    @Test("It is labelled as NoCloud wants it and holds both files")
    func volume() async throws {
        try await withTemporaryDirectory { folder in
            let path = "\(folder)/seed.iso"
            let spec = try Example.spec(userData: Data((0...255).map { UInt8($0) }))
            try await Seed.write(spec, uuid: uuid, at: path)
            let files = try SeedFiles(spec, uuid: uuid)
            let found = try await contents(of: path, in: folder)
            #expect(found == ["meta-data": files.metaData, "user-data": files.userData])
            // ISO 9660, 8.4.8: the volume's label is at byte 40 of sector 16.
            let label = try Data(contentsOf: URL(filePath: path)).dropFirst(16 * 2048 + 40).prefix(32)
            #expect(String(decoding: label, as: UTF8.self).trimmingCharacters(in: .whitespaces) == "cidata")
        }
    }

    @Test("Written again it tells what is wanted now, and what a killed agent left is in nobody's way")
    func again() async throws {
        try await withTemporaryDirectory { folder in
            let path = "\(folder)/seed.iso"
            try await Seed.write(Example.spec(), uuid: uuid, at: path)
            try FileManager.default.createDirectory(atPath: "\(path).files", withIntermediateDirectories: true)
            for name in ["\(path).new", "\(path).files/meta-data", "\(path).files/other"] {
                try Data("half".utf8).write(to: URL(filePath: name))
            }
            let spec = try Example.spec(hostname: "renamed")
            try await Seed.write(spec, uuid: uuid, at: path)
            let found = try await contents(of: path, in: folder)
            #expect(found["meta-data"] == (try SeedFiles(spec, uuid: uuid).metaData))
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["seed.iso"])
        }
    }

    @Test("A full disk is that, and leaves no half of a seed (root)")
    func full() async throws {
        try await withSmallDisk(kibibytes: 64) { folder in
            let spec = try Example.spec(userData: Data(repeating: 7, count: 60 << 10))
            let fault = await #expect(throws: Fault.self) {
                try await Seed.write(spec, uuid: uuid, at: "\(folder)/seed.iso")
            }
            #expect(fault?.code == .hostDiskFull)
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == [])
        }
    }
}
