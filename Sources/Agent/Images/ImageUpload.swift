// SPDX-License-Identifier: Apache-2.0

package import AsyncHTTPClient
import Foundation
package import GantryModel
import GantryProtocol
import NIOCore
import NIOHTTP1

/// The conductor's image store, as a node reaches it: by its own key.
package struct ImageStoreClient: Sendable {
    private let client: HTTPClient
    private let base: String
    private let key: @Sendable () -> String

    /// Breaks in one upload; more are a conductor that cannot take it.
    private static let mostBreaks = 20
    private static let chunk = 256 << 10

    /// - Parameters:
    ///   - client: lent for the life of this value.
    ///   - url: the conductor's address, without a path.
    ///   - node: this node.
    ///   - key: the node's API key, asked for at each request.
    package init(client: HTTPClient, url: String, node: NodeName, key: @escaping @Sendable () -> String) {
        self.client = client
        base = "\(url.hasSuffix("/") ? String(url.dropLast()) : url)/v1/internal/nodes/\(node)/images"
        self.key = key
    }

    /// A request for a stored file.
    func request(_ image: StoredImageUUID, _ rest: String = "") -> HTTPClientRequest {
        var request = HTTPClientRequest(url: "\(base)/\(image)\(rest)")
        request.headers.add(name: "authorization", value: "Bearer \(key())")
        return request
    }

    // MARK: - Upload

    /// Brings a file to the store. Where a connection breaks it goes on from what the store has.
    ///
    /// - Throws: ``Fault`` when the store does not take it.
    package func upload(
        _ path: String,
        as image: StoredImageUUID,
        digest: SHA256Digest,
        size: Int64
    ) async throws(Fault) {
        var delay = 1.0
        for _ in 0..<Self.mostBreaks {
            if let state = try await attempt(path, image, digest, size), state.isComplete { return }
            guard (try? await Task.sleep(for: .seconds(delay))) != nil else { break }
            delay = min(delay * 2, 30)
        }
        throw Fault(.imageUnreachable, "The snapshot could not be brought to the image store.")
    }

    /// - Returns: what the store has now; nil when the connection broke.
    private func attempt(
        _ path: String,
        _ image: StoredImageUUID,
        _ digest: SHA256Digest,
        _ size: Int64
    ) async throws(Fault) -> ImageUploadState? {
        guard let state = try await state(of: request(image, "/upload")) else { return nil }
        if state.isComplete { return state }
        guard let file = FileHandle(forReadingAtPath: path) else {
            throw Fault(.hostCommandFailed, "The snapshot could not be read on the node.")
        }
        var request = request(image, "/upload?offset=\(state.received)&size=\(size)&sha256=\(digest)")
        request.method = .PUT
        let reader = FileReader(file, from: UInt64(state.received))
        request.body = .stream(
            AsyncThrowingStream { try await reader.next(Self.chunk) },
            length: .known(size - state.received)
        )
        let answer = try await self.state(of: request)
        await reader.close()
        return answer
    }

    private func state(of request: HTTPClientRequest) async throws(Fault) -> ImageUploadState? {
        let (status, data): (UInt, Data)
        do {
            let response = try await client.execute(request, timeout: .hours(6))
            let buffer = try await response.body.collect(upTo: 1 << 20)
            (status, data) = (response.status.code, Data(buffer.readableBytesView))
        } catch {
            return nil
        }
        if (400..<500).contains(status), status != 429 {
            throw Fault(.imageUnreachable, "The image store refused the snapshot (\(status)).")
        }
        return try? NodeJSON.decoder.decode(ImageUploadState.self, from: data)
    }
}

/// Reads a file piece by piece, on a thread that may wait for the disk.
private actor FileReader {
    private let file: FileHandle
    private let worker = FileWorker(name: "upload")

    init(_ file: FileHandle, from offset: UInt64) {
        self.file = file
        try? file.seek(toOffset: offset)
    }

    /// Nil at the end.
    func next(_ size: Int) async throws -> ByteBuffer? {
        let file = file
        let data = try await worker.run { () async throws(Fault) in
            do {
                return try file.read(upToCount: size) ?? Data()
            } catch {
                throw Fault(.hostCommandFailed, "The snapshot could not be read on the node.")
            }
        }
        return data.isEmpty ? nil : ByteBuffer(bytes: data)
    }

    func close() { try? file.close() }
}
