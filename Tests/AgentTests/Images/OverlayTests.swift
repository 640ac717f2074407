// SPDX-License-Identifier: Apache-2.0

import Agent
import Foundation
import GantryModel
import GantryProtocol
import GantryTestSupport
import Testing

@Suite("A root disk is made once over its image, with every format said")
struct OverlayTests {
    private struct Info: Decodable {
        let format: String
        let size: Int
        let backing: String
        let backingFormat: String

        enum CodingKeys: String, CodingKey {
            case format
            case size = "virtual-size"
            case backing = "backing-filename"
            case backingFormat = "backing-filename-format"
        }
    }

    @Test("Of the flavor's size, over either format", arguments: [ImageSource.Format.qcow2, .raw])
    func made(_ format: ImageSource.Format) async throws {
        try await withTemporaryDirectory { folder in
            try await shell("qemu-img", "create", "-q", "-f", format.rawValue, "\(folder)/image", "1G")
            let spec = try Example.spec(image: Example.image(format: format))
            try await Overlay.ensure(spec, at: "\(folder)/disk", over: "\(folder)/image")
            let text = try await shell("qemu-img", "info", "--output=json", "\(folder)/disk")
            let info = try JSONDecoder().decode(Info.self, from: Data(text.utf8))
            #expect((info.format, info.backingFormat) == ("qcow2", format.rawValue))
            #expect((info.size, info.backing) == (10 << 30, "\(folder)/image"))
        }
    }

    @Test("One that is there is a guest's data and stays; half of one is made anew")
    func kept() async throws {
        try await withTemporaryDirectory { folder in
            try await shell("qemu-img", "create", "-q", "-f", "qcow2", "\(folder)/image", "1G")
            try Data("half".utf8).write(to: URL(filePath: "\(folder)/disk.new"))
            try await Overlay.ensure(Example.spec(), at: "\(folder)/disk", over: "\(folder)/image")
            try Data("the guest's".utf8).write(to: URL(filePath: "\(folder)/disk"))
            try await Overlay.ensure(Example.spec(), at: "\(folder)/disk", over: "\(folder)/image")
            #expect(try Data(contentsOf: URL(filePath: "\(folder)/disk")) == Data("the guest's".utf8))
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder).sorted() == ["disk", "image"])
        }
    }

    @Test("One that is there grows with the flavor, and never shrinks")
    func grown() async throws {
        try await withTemporaryDirectory { folder in
            try await shell("qemu-img", "create", "-q", "-f", "qcow2", "\(folder)/image", "1G")
            var spec = try Example.spec()
            try await Overlay.ensure(spec, at: "\(folder)/disk", over: "\(folder)/image")
            for (asked, size) in [(12, 12), (11, 12)] {
                spec.resources.diskGiB = asked
                try await Overlay.ensure(spec, at: "\(folder)/disk", over: "\(folder)/image")
                let text = try await shell("qemu-img", "info", "--output=json", "\(folder)/disk")
                #expect(try JSONDecoder().decode(Info.self, from: Data(text.utf8)).size == size << 30)
            }
        }
    }

    @Test("A full disk is that, and leaves no half of one (root)")
    func full() async throws {
        try await withTemporaryDirectory { images in
            try await shell("qemu-img", "create", "-q", "-f", "qcow2", "\(images)/image", "1G")
            try await withSmallDisk(kibibytes: 64) { folder in
                let fault = await #expect(throws: Fault.self) {
                    try await Overlay.ensure(Example.spec(), at: "\(folder)/disk", over: "\(images)/image")
                }
                #expect(fault?.code == .hostDiskFull)
                let left = try FileManager.default.contentsOfDirectory(atPath: folder)
                #expect(left == [])
            }
        }
    }
}
