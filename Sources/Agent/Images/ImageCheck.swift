// SPDX-License-Identifier: Apache-2.0

import Foundation
package import GantryModel
package import GantryProtocol

/// Whether a fetched file is an image that may be handed to QEMU.
package enum ImageCheck {
    /// The bytes that a guest sees of the image at `path`.
    ///
    /// - Throws: ``Fault`` of the image's own, for the tenant.
    package static func virtualSize(path: String, format: ImageSource.Format) throws(Fault) -> UInt64 {
        guard let file = FileHandle(forReadingAtPath: path) else {
            throw Fault(.hostCommandFailed, "The image could not be read on its node.")
        }
        defer { try? file.close() }
        let header = (try? file.read(upToCount: QCOW2Header.length)) ?? Data()
        switch format {
        case .qcow2:
            return try QCOW2Header(header).virtualSize
        case .raw:
            let size = (try? file.seekToEnd()) ?? 0
            return try rawSize(header: header, size: size)
        }
    }

    /// Has qemu-img read all of a qcow2's own structure, bounded in memory and time since they are a stranger's.
    ///
    /// - Throws: `image_invalid` when it cannot, or finds damage.
    package static func isSound(path: String, format: ImageSource.Format) async throws(Fault) {
        guard format == .qcow2 else { return }
        let bounds = ["--as=\(1 << 30)", "--cpu=60"]
        let check = Command(
            "prlimit",
            bounds + ["qemu-img", "check", "-q", "-f", "qcow2", path],
            deadline: .seconds(300)
        )
        do {
            try await check.run()
        } catch let failure as Command.Failure where failure.status == 3 {
            // Clusters that nothing uses: room is lost, no data.
            return
        } catch let failure as Command.Failure where failure.status == 127 {
            throw Fault(.hostCommandFailed, "The image could not be checked on its node.")
        } catch {
            throw Fault(.imageInvalid, "The image is damaged: qemu-img check does not take it.")
        }
    }

    private static func rawSize(header: Data, size: UInt64) throws(Fault) -> UInt64 {
        guard size > 0, size.isMultiple(of: 512) else {
            throw Fault(.imageInvalid, "The image is no raw disk: its size is not a multiple of 512 bytes.")
        }
        // A guest could write a header into its raw disk and have it read as a format by a later, careless reader.
        guard !header.prefix(4).elementsEqual(QCOW2Header.magic) else {
            throw Fault(.imageUnsafe, "The image is declared raw but begins as qcow2. Declare its true format.")
        }
        return size
    }

    /// - Throws: `image_too_large` when the image does not fit a disk of `diskGiB`.
    package static func fits(_ virtualSize: UInt64, diskGiB: Int) throws(Fault) {
        guard virtualSize <= UInt64(diskGiB) << 30 else {
            // The header may say anything, up to what overflows.
            let needed = (virtualSize - 1) >> 30 + 1
            throw Fault(
                .imageTooLarge,
                "The image is a disk of \(needed) GiB and the flavor's is \(diskGiB) GiB. Take a larger flavor."
            )
        }
    }
}
