// SPDX-License-Identifier: Apache-2.0

package import Foundation
package import GantryModel

/// The header of a qcow2 file, read by us before any other program opens the file (QEMU, docs/interop/qcow2.txt).
///
/// An image that names a backing or data file would make QEMU open a file of the host's (CVE-2024-32498).
package struct QCOW2Header: Hashable, Sendable {
    /// Bytes that the guest sees.
    package let virtualSize: UInt64

    /// Bytes of the file's beginning that ``init(_:)`` wants, as far as the file has them.
    package static let length = 4096

    static let magic: [UInt8] = [0x51, 0x46, 0x49, 0xFB]

    private enum Incompatible {
        static let dirty: UInt64 = 1 << 0
        static let corrupt: UInt64 = 1 << 1
        static let externalData: UInt64 = 1 << 2
        static let compressionType: UInt64 = 1 << 3
        static let extendedL2: UInt64 = 1 << 4
    }

    private enum Extension {
        static let end: UInt32 = 0
        static let backingFormat: UInt32 = 0xE279_2ACA
        static let externalDataName: UInt32 = 0x4441_5441
    }

    /// - Throws: `image_invalid` for what is no qcow2, `image_unsafe` for one that names other files.
    package init(_ data: Data) throws(Fault) {
        let reader = BigEndianReader(data)
        guard data.prefix(4).elementsEqual(Self.magic), let version = reader.uint32(at: 4), (2...3).contains(version),
            let backingOffset = reader.uint64(at: 8), let size = reader.uint64(at: 24),
            let encryption = reader.uint32(at: 32)
        else { throw Fault(.imageInvalid, "The image is not a qcow2 file of version 2 or 3.") }
        guard backingOffset == 0 else {
            throw Fault(.imageUnsafe, "The image names a backing file. Flatten it with qemu-img convert.")
        }
        guard encryption == 0 else { throw Fault(.imageInvalid, "The image is encrypted, which is not supported.") }
        // Version 2 has no features; its header ends where the extensions begin (72).
        try Self.check(extensions: reader, from: version == 3 ? try Self.check(features: reader) : 72)
        virtualSize = size
    }

    /// - Returns: the header's length.
    private static func check(features reader: BigEndianReader) throws(Fault) -> Int {
        guard let features = reader.uint64(at: 72), let headerLength = reader.uint32(at: 100), headerLength >= 104
        else {
            throw Fault(.imageInvalid, "The image's qcow2 header is cut short.")
        }
        guard features & Incompatible.externalData == 0 else {
            throw Fault(.imageUnsafe, "The image keeps its data in another file. Convert it with qemu-img convert.")
        }
        guard features & Incompatible.corrupt == 0 else {
            throw Fault(.imageInvalid, "The image is marked corrupt. Repair it with qemu-img check -r all.")
        }
        let known =
            Incompatible.dirty | Incompatible.corrupt | Incompatible.compressionType | Incompatible.extendedL2
        guard features & ~known == 0 else {
            throw Fault(.imageInvalid, "The image uses qcow2 features that are not known here.")
        }
        return Int(headerLength)
    }

    private static func check(extensions reader: BigEndianReader, from start: Int) throws(Fault) {
        var offset = start
        while let type = reader.uint32(at: offset), let length = reader.uint32(at: offset + 4) {
            if type == Extension.end { return }
            guard type != Extension.externalDataName, type != Extension.backingFormat else {
                throw Fault(.imageUnsafe, "The image's header names another file. Convert it with qemu-img convert.")
            }
            // Each is padded to eight bytes.
            offset += 8 + (Int(length) + 7) / 8 * 8
        }
        throw Fault(.imageInvalid, "The image's qcow2 header does not end where headers end.")
    }
}

/// Reads numbers at offsets; nil beyond the end.
private struct BigEndianReader {
    private let bytes: [UInt8]

    init(_ data: Data) {
        bytes = Array(data)
    }

    func uint32(at offset: Int) -> UInt32? { number(at: offset, length: 4).map(UInt32.init) }
    func uint64(at offset: Int) -> UInt64? { number(at: offset, length: 8) }

    private func number(at offset: Int, length: Int) -> UInt64? {
        guard offset >= 0, offset + length <= bytes.count else { return nil }
        return bytes[offset..<offset + length].reduce(0) { $0 << 8 | UInt64($1) }
    }
}
