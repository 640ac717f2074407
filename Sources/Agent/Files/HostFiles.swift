// SPDX-License-Identifier: Apache-2.0

package import Foundation
package import GantryModel

/// File work that holds when the machine loses power in the middle. Its calls block.
package enum HostFiles {
    /// Gives a finished file its name: durable, and either whole or not there.
    package static func publish(_ temporary: String, as path: String, mode: mode_t) throws(Fault) {
        guard chmod(temporary, mode) == 0, synchronize(temporary), rename(temporary, path) == 0,
            synchronize((path as NSString).deletingLastPathComponent)
        else { throw failure("A file could not be stored on the node") }
    }

    /// Writes a whole file, durably.
    package static func write(_ data: Data, to path: String, mode: mode_t = 0o600) throws(Fault) {
        let temporary = path + ".new"
        do {
            try data.write(to: URL(filePath: temporary))
        } catch {
            try? FileManager.default.removeItem(atPath: temporary)
            let number = ((error as NSError).userInfo[NSUnderlyingErrorKey] as? NSError)?.code ?? 0
            let isFull = number == Int(ENOSPC) || (error as? CocoaError)?.code == .fileWriteOutOfSpace
            throw isFull ? diskFull : Fault(.hostCommandFailed, "A file could not be written on the node.")
        }
        try publish(temporary, as: path, mode: mode)
    }

    /// Makes a directory and those above it.
    package static func makeDirectory(_ path: String, mode: Int = 0o755) throws(Fault) {
        do {
            try FileManager.default.createDirectory(
                atPath: path,
                withIntermediateDirectories: true,
                attributes: [.posixPermissions: mode]
            )
        } catch {
            throw errno == ENOSPC ? diskFull : Fault(.hostCommandFailed, "A directory could not be made on the node.")
        }
    }

    /// The names in a directory.
    package static func names(in directory: String) throws(Fault) -> [String] {
        do {
            return try FileManager.default.contentsOfDirectory(atPath: directory)
        } catch {
            throw Fault(.hostCommandFailed, "A directory could not be read on the node.")
        }
    }

    /// Removes a file or a directory with all in it. None is fine.
    package static func remove(_ path: String) throws(Fault) {
        guard FileManager.default.fileExists(atPath: path) else { return }
        do {
            try FileManager.default.removeItem(atPath: path)
        } catch {
            throw Fault(.hostCommandFailed, "A file could not be removed on the node.")
        }
    }

    /// Removes a file so that it does not come back when the machine loses power. None is fine.
    package static func removeDurably(_ path: String) throws(Fault) {
        guard unlink(path) == 0 || errno == ENOENT, synchronize((path as NSString).deletingLastPathComponent) else {
            throw failure("A file could not be removed on the node")
        }
    }

    package static let diskFull = Fault(.hostDiskFull, "The node's disk is full.")

    /// What went wrong while a file was made, as a fault.
    package static func fault(from error: any Error, _ message: String) -> Fault {
        if let fault = error as? Fault { return fault }
        return (error as? Command.Failure)?.saysDiskFull == true ? diskFull : Fault(.hostCommandFailed, message)
    }

    /// What `errno` says, as a fault.
    package static func failure(_ what: String) -> Fault {
        errno == ENOSPC || errno == EDQUOT
            ? diskFull : Fault(.hostCommandFailed, "\(what): \(String(cString: strerror(errno))).")
    }

    private static func synchronize(_ path: String) -> Bool {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        return fsync(descriptor) == 0
    }
}
