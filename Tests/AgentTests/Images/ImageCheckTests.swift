// SPDX-License-Identifier: Apache-2.0

import Agent
import Foundation
import GantryModel
import GantryProtocol
import GantryTestSupport
import Testing

@Suite("Our own look at an image's header comes before any program opens it")
struct ImageCheckTests {
    /// The header of an image that qemu-img makes with these options.
    private func header(_ options: String...) async throws -> Data {
        try await withTemporaryDirectory { folder in
            let arguments = options.map { $0.replacing("FOLDER", with: folder) }
            let made = try await run("qemu-img", ["create", "-q", "-f", "qcow2"] + arguments + ["\(folder)/i", "5G"])
            try #require(made.status == 0, "\(made.errorText)")
            let file = try #require(FileHandle(forReadingAtPath: "\(folder)/i"))
            defer { try? file.close() }
            return try file.read(upToCount: QCOW2Header.length) ?? Data()
        }
    }

    private func code(_ header: Data) -> Fault.Code? {
        #expect(throws: Fault.self) { try QCOW2Header(header) }?.code
    }

    /// A good header with some bytes changed.
    private func header(with bytes: [UInt8], at offset: Int) async throws -> Data {
        var header = try await header()
        header.replaceSubrange(offset..<offset + bytes.count, with: bytes)
        return header
    }

    @Test(
        "What qemu-img makes for itself is fine",
        arguments: ["compat=1.1", "compat=0.10", "compression_type=zstd", "extended_l2=on", "cluster_size=2M"]
    )
    func good(_ option: String) async throws {
        #expect(try QCOW2Header(await header("-o", option)).virtualSize == 5 << 30)
    }

    @Test("One that names a backing file, a data file, or is encrypted is not")
    func unsafe() async throws {
        #expect(code(try await header("-F", "raw", "-b", "/etc/passwd", "-u")) == .imageUnsafe)
        #expect(code(try await header("-o", "compat=0.10", "-F", "raw", "-b", "/etc/passwd", "-u")) == .imageUnsafe)
        #expect(code(try await header("-o", "data_file=FOLDER/data")) == .imageUnsafe)
        #expect(code(try await header("-o", "data_file=FOLDER/data,data_file_raw=on")) == .imageUnsafe)
        // docs/interop/qcow2.txt: the encryption method is at byte 32.
        #expect(code(try await header(with: [0, 0, 0, 2], at: 32)) == .imageInvalid)
    }

    @Test("Features that are not known, a corrupt mark and a foreign version are refused")
    func features() async throws {
        // The incompatible features are at byte 72, the version is at 4.
        #expect(code(try await header(with: [0x80], at: 72)) == .imageInvalid)
        #expect(code(try await header(with: [0x02], at: 79)) == .imageInvalid)
        #expect(code(try await header(with: [0x04], at: 79)) == .imageUnsafe)
        #expect(code(try await header(with: [4], at: 7)) == .imageInvalid)
        #expect(code(try await header(with: [0], at: 0)) == .imageInvalid)
    }

    @Test("An extension that names a file, or extensions beyond what is read, are refused")
    func extensions() async throws {
        // Where the extensions begin, at byte 100.
        #expect(code(try await header(with: [0, 0, 0x10, 0], at: 100)) == .imageInvalid)
        #expect(code(try await header(with: [0xFF, 0xFF, 0xFF, 0xFF], at: 100)) == .imageInvalid)
        #expect(code(try await header(with: [0, 0, 0, 60], at: 100)) == .imageInvalid)
        // The first of them, at 112: the name of a data file, of a backing file's format, and one without end.
        #expect(code(try await header(with: [0x44, 0x41, 0x54, 0x41], at: 112)) == .imageUnsafe)
        #expect(code(try await header(with: [0xE2, 0x79, 0x2A, 0xCA], at: 112)) == .imageUnsafe)
        #expect(code(try await header(with: [1, 2, 3, 4, 0xFF, 0xFF, 0xFF, 0xFF], at: 112)) == .imageInvalid)
    }

    @Test("A header cut short at any byte is refused, not read beyond")
    func short() async throws {
        let header = try await header()
        for length in stride(from: 0, through: 112, by: 1) { #expect(code(header.prefix(length)) != nil, "\(length)") }
    }

    @Test("Sizes up to the largest number are compared, not computed with")
    func sizes() async throws {
        for size in [UInt64.max, UInt64.max - (1 << 30), 1 << 63] {
            let bytes = withUnsafeBytes(of: size.bigEndian) { Array($0) }
            let read = try QCOW2Header(await header(with: bytes, at: 24)).virtualSize
            #expect(read == size)
            #expect(throws: Fault.self) { try ImageCheck.fits(read, diskGiB: 100_000) }
        }
        try ImageCheck.fits(10 << 30, diskGiB: 10)
        #expect(throws: Fault.self) { try ImageCheck.fits(10 << 30 + 1, diskGiB: 10) }
        try ImageCheck.fits(0, diskGiB: 0)
    }

    @Test("A raw image is whole sectors and does not begin as qcow2")
    func raw() async throws {
        #expect(try await rawCode(Data(count: 1024)) == nil)
        #expect(try await rawCode(Data(count: 1000)) == .imageInvalid)
        #expect(try await rawCode(Data()) == .imageInvalid)
        #expect(try await rawCode(header()) == .imageUnsafe)
    }

    private func rawCode(_ data: Data) async throws -> Fault.Code? {
        try await withTemporaryDirectory { folder in
            try data.write(to: URL(filePath: "\(folder)/i"))
            do throws(Fault) {
                _ = try ImageCheck.virtualSize(path: "\(folder)/i", format: .raw)
                return nil
            } catch {
                return error.code
            }
        }
    }
}
