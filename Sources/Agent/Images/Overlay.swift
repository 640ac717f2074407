// SPDX-License-Identifier: Apache-2.0

import Foundation
package import GantryModel
package import GantryProtocol

/// A machine's root disk: a qcow2 file that holds what differs from the image.
package enum Overlay {
    /// Makes the overlay where there is none. One that is there is the guest's data, of which nothing is touched; it
    /// grows to the specification's size. No guest may use it meanwhile.
    package static func ensure(_ spec: MachineSpec, at path: String, over imagePath: String) async throws(Fault) {
        guard !FileManager.default.fileExists(atPath: path) else { return try await grow(path, to: spec) }
        let temporary = path + ".new"
        do {
            try HostFiles.remove(temporary)
            try await Command(
                "qemu-img",
                [
                    "create", "-q", "-f", "qcow2", "-F", spec.image.format.rawValue, "-b", imagePath, temporary,
                    "\(spec.resources.diskGiB)G",
                ]
            )
            .run()
            try HostFiles.publish(temporary, as: path, mode: 0o600)
        } catch {
            try? HostFiles.remove(temporary)
            throw HostFiles.fault(from: error, "The disk could not be made on the node.")
        }
    }

    private static func grow(_ path: String, to spec: MachineSpec) async throws(Fault) {
        do {
            let file = try FileHandle(forReadingFrom: URL(filePath: path))
            let header = try file.read(upToCount: 32) ?? Data()
            try file.close()
            guard let size = virtualSize(header), size < UInt64(spec.resources.diskGiB) << 30 else { return }
            try await Command("qemu-img", ["resize", "-q", "-f", "qcow2", path, "\(spec.resources.diskGiB)G"]).run()
        } catch {
            throw HostFiles.fault(from: error, "The disk could not be made larger on the node.")
        }
    }

    /// In bytes; nil for what is no qcow2 file.
    private static func virtualSize(_ header: Data) -> UInt64? {
        guard header.count == 32, header.prefix(4) == Data([0x51, 0x46, 0x49, 0xfb]) else { return nil }
        return header.dropFirst(24).reduce(0) { $0 << 8 | UInt64($1) }
    }
}
