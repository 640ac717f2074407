// SPDX-License-Identifier: Apache-2.0

import Crypto
import Foundation
package import GantryModel
import GantryProtocol
import HTTPTypes
import NIOCore
import NIOPosix

/// The image store's files: a directory that all conductors share. What comes is kept as it comes, and gets its name
/// when the whole of it is there and has the digest that it is to have.
package struct ImageFiles: Sendable {
    package let directory: String

    package init(directory: String) {
        self.directory = directory
    }

    /// Where a whole file is.
    package func path(of image: StoredImageUUID) -> String { "\(directory)/\(image)" }

    private func partPath(of image: StoredImageUUID) -> String { "\(path(of: image)).part" }

    /// The size of a whole file; nil where there is none.
    package func size(of image: StoredImageUUID) async throws -> Int64? {
        let path = path(of: image)
        return try await blocking { Self.fileSize(path) }
    }

    /// How much of a file has come.
    func state(of image: StoredImageUUID) async throws -> ImageUploadState {
        if let whole = try await size(of: image) { return ImageUploadState(received: whole, isComplete: true) }
        let part = partPath(of: image)
        return ImageUploadState(received: try await blocking { Self.fileSize(part) ?? 0 }, isComplete: false)
    }

    /// Adds to a file what comes, from an offset on, and finishes it when it is whole.
    ///
    /// - Throws: ``APIError`` when the offset is not where the file ends, or the whole is not what it is to be; then what
    ///   came is forgotten.
    func append(
        _ body: some AsyncSequence<ByteBuffer, any Error>,
        to image: StoredImageUUID,
        offset: Int64,
        size: Int64,
        digest: GantryModel.SHA256Digest
    ) async throws -> ImageUploadState {
        let (part, directory) = (partPath(of: image), directory)
        let file = try await blocking {
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
            if !FileManager.default.fileExists(atPath: part) {
                _ = FileManager.default.createFile(atPath: part, contents: nil, attributes: [.posixPermissions: 0o600])
            }
            return try FileHandle(forUpdating: URL(filePath: part))
        }
        var received = offset
        do {
            guard try await blocking({ Int64(bitPattern: try file.seekToEnd()) }) == offset else {
                throw APIError(.badRequest, "The file does not end at offset \(offset); ask for where it does.")
            }
            for try await buffer in body {
                received += Int64(buffer.readableBytes)
                guard received <= size else { throw APIError(.badRequest, "More than \(size) bytes came.") }
                try await blocking { try file.write(contentsOf: Data(buffer.readableBytesView)) }
            }
            try await blocking { try file.synchronize() }
        } catch {
            try? await blocking { try file.close() }
            throw error
        }
        try await blocking { try file.close() }
        guard received == size else { return ImageUploadState(received: received, isComplete: false) }
        try await finish(image, digest)
        return ImageUploadState(received: received, isComplete: true)
    }

    private func finish(_ image: StoredImageUUID, _ digest: GantryModel.SHA256Digest) async throws {
        let (part, whole, directory) = (partPath(of: image), path(of: image), directory)
        let isRight = try await blocking { try Self.digest(of: part) == digest.description }
        guard isRight else {
            try? await remove(image)
            throw APIError(
                .badRequest,
                "The file's SHA-256 is not \(digest); it was damaged on its way. Send it again."
            )
        }
        try await blocking {
            guard rename(part, whole) == 0 else { throw CocoaError(.fileWriteUnknown) }
            let descriptor = open(directory, O_RDONLY | O_CLOEXEC)
            if descriptor >= 0 {
                fsync(descriptor)
                close(descriptor)
            }
        }
    }

    /// Removes a file, whole or not. None is fine.
    package func remove(_ image: StoredImageUUID) async throws {
        for path in [path(of: image), partPath(of: image)] {
            try await blocking {
                guard unlink(path) == 0 || errno == ENOENT else { throw CocoaError(.fileWriteUnknown) }
            }
        }
    }

    private static func fileSize(_ path: String) -> Int64? {
        ((try? FileManager.default.attributesOfItem(atPath: path))?[.size] as? NSNumber)?.int64Value
    }

    private static func digest(of path: String) throws -> String {
        let file = try FileHandle(forReadingFrom: URL(filePath: path))
        defer { try? file.close() }
        var hash = SHA256()
        while let chunk = try file.read(upToCount: 1 << 20), !chunk.isEmpty { hash.update(data: chunk) }
        return hash.finalize().map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    private func blocking<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await NIOThreadPool.singleton.runIfActive(work)
    }
}
