// SPDX-License-Identifier: Apache-2.0

import Foundation
package import GantryModel
package import GantryProtocol

/// A volume's file: a qcow2 that stands on no other. Its calls block.
package enum VolumeFile {
    /// Makes the file where there is none yet and may be one, and makes it as large as wanted. Data that is there is
    /// never touched, and nothing gets smaller. No guest may be using it.
    ///
    /// - Parameters:
    ///   - volume: what is wanted.
    ///   - path: where it is.
    ///   - imagePath: the cached image that it begins as; nil for an empty one.
    /// - Throws: `volume_unavailable` with what is in the way.
    package static func ensure(_ volume: VolumeSpec, at path: String, from imagePath: String?) async throws(Fault) {
        guard FileManager.default.fileExists(atPath: path) else {
            guard volume.isNew else {
                throw Fault(.volumeUnavailable, "A volume's file is not in storage pool “\(volume.pool)” any more.")
            }
            return try await make(volume, at: path, from: imagePath)
        }
        let size = try virtualSize(of: path)
        guard size < UInt64(volume.sizeGiB) << 30 else { return }
        try await commanded("A volume could not be made larger") {
            try await Command("qemu-img", ["resize", "-q", "-f", "qcow2", path, "\(volume.sizeGiB)G"]).run()
        }
    }

    /// Removes the file. None is fine.
    package static func remove(at path: String) throws(Fault) {
        try HostFiles.remove(temporary(path))
        try HostFiles.removeDurably(path)
    }

    private static func make(_ volume: VolumeSpec, at path: String, from imagePath: String?) async throws(Fault) {
        let temporary = temporary(path)
        do {
            try HostFiles.remove(temporary)
            try await commanded("A volume could not be made") {
                if let image = volume.image, let imagePath {
                    try await copy(image, at: imagePath, to: temporary)
                    try await Command("qemu-img", ["resize", "-q", "-f", "qcow2", temporary, "\(volume.sizeGiB)G"])
                        .run()
                } else {
                    try await Command("qemu-img", ["create", "-q", "-f", "qcow2", temporary, "\(volume.sizeGiB)G"])
                        .run()
                }
            }
            try HostFiles.publish(temporary, as: path, mode: 0o600)
        } catch {
            try? HostFiles.remove(temporary)
            throw error
        }
    }

    /// Whole, since a volume may be used by nodes that do not have the image.
    private static func copy(_ image: ImageSource, at path: String, to temporary: String) async throws {
        try await Command(
            "qemu-img",
            ["convert", "-q", "-f", image.format.rawValue, "-O", "qcow2", path, temporary],
            deadline: .seconds(3600)
        )
        .run()
    }

    /// - Throws: `volume_unavailable` for what is no volume of ours, so that QEMU opens no file that it names.
    private static func virtualSize(of path: String) throws(Fault) -> UInt64 {
        do {
            return try ImageCheck.virtualSize(path: path, format: .qcow2)
        } catch {
            throw Fault(.volumeUnavailable, "A volume's file is damaged.")
        }
    }

    private static func commanded(_ what: String, _ work: () async throws -> Void) async throws(Fault) {
        do {
            try await work()
        } catch {
            let isFull = (error as? Command.Failure)?.saysDiskFull == true
            let reason = isFull ? "its storage pool is full" : "its storage pool or node has trouble"
            throw Fault(.volumeUnavailable, "\(what): \(reason).")
        }
    }

    private static func temporary(_ path: String) -> String { path + ".new" }
}
