// SPDX-License-Identifier: Apache-2.0

import Crypto
import Foundation
import GantryModel
import Glibc

/// A file that an image is written to and digested on its way. Its calls block.
final class ImageSink {
    private let descriptor: Int32
    private let directory: String
    private let progress: @Sendable (Int) -> Void
    /// Bytes that the whole has, where known.
    private var expected: Int?
    /// Bytes that are here.
    private(set) var written = 0
    private var hash = SHA256()
    private var percent = -1

    init(path: String, progress: @escaping @Sendable (Int) -> Void) throws(Fault) {
        descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        directory = (path as NSString).deletingLastPathComponent
        self.progress = progress
        guard descriptor >= 0 else { throw HostFiles.failure("The image could not be stored on the node") }
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
    }

    var truncated: Fault {
        Fault(.imageTruncated, "The image ended after \(written) of \(expected.map(String.init) ?? "more") bytes.")
    }

    /// Takes note of the whole size, for which there has to be room.
    func expect(_ size: Int) throws(Fault) {
        expected = size
        try checkRoom(for: size - written)
    }

    /// Forgets what came.
    func restart() throws(Fault) {
        guard written > 0 else { return }
        guard ftruncate(descriptor, 0) == 0, lseek(descriptor, 0, SEEK_SET) == 0 else {
            throw HostFiles.failure("The image could not be stored on the node")
        }
        (written, hash) = (0, SHA256())
    }

    func write(_ data: Data) throws(Fault) {
        try checkRoom(for: data.count)
        hash.update(data: data)
        var rest = data[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            guard count >= 0 || errno == EINTR else { throw HostFiles.failure("The image could not be stored") }
            rest = rest.dropFirst(max(count, 0))
        }
        written += data.count
        guard let expected, expected > 0, written * 100 / expected > percent else { return }
        percent = written * 100 / expected
        progress(percent)
    }

    /// The digest of the whole.
    func finish() throws(Fault) -> GantryModel.SHA256Digest {
        if let expected, written < expected { throw truncated }
        let text = hash.finalize().map { String(format: "%02x", $0) }.joined()
        do throws(InvalidValue) {
            return try GantryModel.SHA256Digest(text)
        } catch {
            throw Fault(.imageInvalid, error.description)
        }
    }

    private func checkRoom(for size: Int) throws(Fault) {
        guard HostCapacity.freeBytes(directory) - size >= HostCapacity.leastFree else { throw HostFiles.diskFull }
    }
}
