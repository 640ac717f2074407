// SPDX-License-Identifier: Apache-2.0

package import AsyncHTTPClient
import Crypto
import Foundation
package import GantryModel
import Glibc
import NIOCore
import NIOHTTP1

/// Brings the file behind a URL to this host, and says what its digest is.
package struct ImageDownload: Sendable {
    private let client: HTTPClient

    package init(client: HTTPClient) {
        self.client = client
    }

    /// - Parameters:
    ///   - url: `http`, `https` or `file`.
    ///   - path: Overwritten.
    ///   - progress: Told the percentage when it rises, where the size is known.
    /// - Returns: The SHA-256 of what was written.
    /// - Throws: ``Fault`` about the image or the disk.
    package func run(
        from url: String,
        to path: String,
        progress: @escaping @Sendable (Int) -> Void
    ) async throws(Fault) -> GantryModel.SHA256Digest {
        guard let source = URL(string: url) else { throw Fault(.imageInvalid, "The image's URL cannot be read.") }
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw HostFiles.failure("The image could not be stored on the node") }
        defer { close(descriptor) }
        var sink = Sink(descriptor: descriptor, progress: progress)
        if source.scheme == "file" {
            try copy(source.path(percentEncoded: false), into: &sink)
        } else {
            try await fetch(url, into: &sink)
        }
        return try sink.digest()
    }

    private func copy(_ path: String, into sink: inout Sink) throws(Fault) {
        guard let file = FileHandle(forReadingAtPath: path) else {
            throw Fault(.imageMissing, "The image's file does not exist.")
        }
        defer { try? file.close() }
        sink.expected = (try? FileManager.default.attributesOfItem(atPath: path)[.size] as? Int) ?? nil
        while true {
            if Task.isCancelled { throw Fault(.imageUnreachable, "The fetch was given up.") }
            let chunk: Data?
            do {
                chunk = try file.read(upToCount: 1 << 20)
            } catch {
                throw Fault(.imageUnreachable, "The image's file could not be read.")
            }
            guard let chunk, !chunk.isEmpty else { return }
            try sink.write(chunk)
        }
    }

    private func fetch(_ url: String, into sink: inout Sink) async throws(Fault) {
        do {
            let response = try await client.execute(HTTPClientRequest(url: url), timeout: .hours(6))
            guard response.status != .notFound && response.status != .gone else {
                throw Fault(.imageMissing, "There is no image at its URL (the answer was \(response.status.code)).")
            }
            guard response.status == .ok else {
                throw Fault(.imageUnreachable, "The image's server answered \(response.status.code).")
            }
            sink.expected = response.headers.first(name: "content-length").flatMap(Int.init)
            for try await buffer in response.body {
                try sink.write(Data(buffer.readableBytesView))
            }
        } catch let fault as Fault {
            throw fault
        } catch let error as HTTPClientError where error == .remoteConnectionClosed {
            throw sink.written > 0 ? sink.truncated : Fault(.imageUnreachable, "The image's server hung up.")
        } catch {
            throw Fault(.imageUnreachable, "The image's server cannot be reached.")
        }
    }
}

/// Writes and digests at once.
private struct Sink {
    let descriptor: Int32
    let progress: @Sendable (Int) -> Void
    /// Bytes to come, where known.
    var expected: Int?
    private(set) var written = 0
    private var hash = SHA256()
    private var percent = -1

    init(descriptor: Int32, progress: @escaping @Sendable (Int) -> Void) {
        (self.descriptor, self.progress) = (descriptor, progress)
    }

    var truncated: Fault {
        Fault(.imageTruncated, "The image ended after \(written) of \(expected.map(String.init) ?? "more") bytes.")
    }

    mutating func write(_ data: Data) throws(Fault) {
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

    mutating func digest() throws(Fault) -> GantryModel.SHA256Digest {
        if let expected, written < expected { throw truncated }
        let text = hash.finalize().map { String(format: "%02x", $0) }.joined()
        do throws(InvalidValue) {
            return try GantryModel.SHA256Digest(text)
        } catch {
            throw Fault(.imageInvalid, error.description)
        }
    }
}
