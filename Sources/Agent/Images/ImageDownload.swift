// SPDX-License-Identifier: Apache-2.0

package import AsyncHTTPClient
import Foundation
package import GantryModel
import NIOCore
import NIOHTTP1

/// Brings the file behind a URL to this host, and says what its digest is.
package struct ImageDownload: Sendable {
    private let client: HTTPClient
    /// Where images without a server of their own are; nil for none.
    private let store: ImageStoreClient?
    /// Breaks in one fetch; more are a server that cannot do it.
    private static let mostBreaks = 20
    /// Breaks in a row that got no further.
    private static let mostVainBreaks = 3

    package init(client: HTTPClient, store: ImageStoreClient? = nil) {
        (self.client, self.store) = (client, store)
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
    ) async throws(Fault) -> SHA256Digest {
        let sink = try ImageSink(path: path, progress: progress)
        switch URL(string: url).map({ ($0.scheme?.lowercased(), $0) }) {
        case ("file", let source)?: try copy(source.path(percentEncoded: false), into: sink)
        case ("http", _)?, ("https", _)?: try await fetch(HTTPClientRequest(url: url), into: sink)
        case (StoredImageUUID.scheme, _)?: try await fetch(try storeRequest(url), into: sink)
        default: throw Fault(.imageInvalid, "The image's URL is not one of http, https or file.")
        }
        return try sink.finish()
    }

    private func copy(_ path: String, into sink: ImageSink) throws(Fault) {
        guard let file = FileHandle(forReadingAtPath: path) else {
            throw Fault(.imageMissing, "The image's file does not exist.")
        }
        defer { try? file.close() }
        if let size = (try? FileManager.default.attributesOfItem(atPath: path)[.size]) as? Int { try sink.expect(size) }
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

    // MARK: - HTTP

    private func storeRequest(_ url: String) throws(Fault) -> HTTPClientRequest {
        let text = url.dropFirst(StoredImageUUID.scheme.count + 1)
        guard let store, let image = try? StoredImageUUID(String(text)) else {
            throw Fault(.imageInvalid, "The image's URL names nothing in an image store.")
        }
        return store.request(image)
    }

    /// A connection that breaks is made again from where it broke. Where that gets no further, the file is shorter than
    /// its server says.
    private func fetch(_ request: HTTPClientRequest, into sink: ImageSink) async throws(Fault) {
        var (furthest, vain) = (0, 0)
        for _ in 0..<Self.mostBreaks {
            if try await attempt(request, into: sink) { return }
            if Task.isCancelled { throw Fault(.imageUnreachable, "The fetch was given up.") }
            vain = sink.written > furthest ? 0 : vain + 1
            guard vain < Self.mostVainBreaks else { throw sink.truncated }
            furthest = max(furthest, sink.written)
        }
        throw Fault(.imageUnreachable, "The connection to the image's server broke \(Self.mostBreaks) times.")
    }

    /// - Returns: Whether the body came to its end.
    private func attempt(_ request: HTTPClientRequest, into sink: ImageSink) async throws(Fault) -> Bool {
        var request = request
        if sink.written > 0 { request.headers.add(name: "range", value: "bytes=\(sink.written)-") }
        let response: HTTPClientResponse
        do {
            response = try await client.execute(request, timeout: .hours(6))
        } catch {
            throw Fault(.imageUnreachable, "The image's server cannot be reached.")
        }
        guard try prepare(sink, for: response) else { return false }
        do {
            for try await buffer in response.body { try sink.write(Data(buffer.readableBytesView)) }
            return true
        } catch let fault as Fault {
            throw fault
        } catch {
            return false
        }
    }

    /// - Returns: Whether the body goes where the sink is.
    private func prepare(_ sink: ImageSink, for response: HTTPClientResponse) throws(Fault) -> Bool {
        let length = response.headers.first(name: "content-length").flatMap(Int.init)
        switch response.status {
        case .ok:
            try sink.restart()
            if let length { try sink.expect(length) }
            return true
        case .partialContent
        where response.headers.first(name: "content-range")?.hasPrefix("bytes \(sink.written)-") == true:
            return true
        case .rangeNotSatisfiable where sink.written > 0:
            return false
        case .notFound, .gone:
            throw Fault(.imageMissing, "There is no image at its URL (the answer was \(response.status.code)).")
        default:
            throw Fault(.imageUnreachable, "The image's server answered \(response.status.code).")
        }
    }
}
