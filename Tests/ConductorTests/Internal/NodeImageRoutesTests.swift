// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import Foundation
import GantryModel
import GantryProtocol
import GantryTestSupport
import HTTPTypes
import HummingbirdTesting
import NIOCore
import NIOHTTP1
import Postgres
import Testing

@Suite("A node brings a snapshot's file to the image store over HTTP")
struct NodeImageRoutesTests {
    private struct BreakOff: Error {}

    private static let file = Data((0..<5000).map { UInt8(truncatingIfNeeded: $0 * 7 + $0 / 256) })
    private static let digest = "1b5c855ff1052578ee7d262a7a7b784281ff77178d83435e3fc858874e8a5b10"

    /// What the store has, or says to what was sent.
    private static func state(_ request: HTTPClientRequest) async throws -> ImageUploadState {
        var request = request
        request.headers.add(name: "authorization", value: "Bearer one")
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(20))
        let body = try await response.body.collect(upTo: 1 << 20)
        return try NodeJSON.decoder.decode(ImageUploadState.self, from: Data(body.readableBytesView))
    }

    private static func put(_ url: String, from offset: Int) -> HTTPClientRequest {
        var request = HTTPClientRequest(url: "\(url)?offset=\(offset)&size=\(file.count)&sha256=\(digest)")
        request.method = .PUT
        return request
    }

    @Test("A connection that breaks leaves what came, from where the next goes on; the whole is noted")
    func resumed() async throws {
        try await withTemporaryDirectory { folder in
            try await TestAPI.with(imageStore: folder, setup: .live) { api in
                let machine = try #require(try await api.create().first)
                try await api.cloud.settle()
                let snapshot = #"{"name":"before","description":""}"#
                try await api.call(.post, "\(TestAPI.machines)/\(machine.id)/snapshots", snapshot)
                let image: StoredImageUUID = try await api.cloud.database.read { transaction in
                    try #require(try transaction.query("SELECT uuid FROM snapshot").first)["uuid"]
                }
                let port = try #require(api.client.port)
                let url = "http://127.0.0.1:\(port)/v1/internal/nodes/one/images/\(image)/upload"

                var first = Self.put(url, from: 0)
                let part = ByteBuffer(bytes: Self.file.prefix(1000))
                first.body = .stream(
                    AsyncThrowingStream { continuation in
                        continuation.yield(part)
                        Task {
                            try await eventually("the part is there") {
                                try await Self.state(HTTPClientRequest(url: url)).received == 1000
                            }
                            continuation.finish(throwing: BreakOff())
                        }
                    },
                    length: .known(Int64(Self.file.count))
                )
                await #expect(throws: BreakOff.self) { try await Self.state(first) }
                let left = try await Self.state(HTTPClientRequest(url: url))
                #expect(left == ImageUploadState(received: 1000, isComplete: false))

                var second = Self.put(url, from: 1000)
                second.body = .bytes(ByteBuffer(bytes: Self.file.dropFirst(1000)))
                #expect(try await Self.state(second) == ImageUploadState(received: 5000, isComplete: true))
                #expect(try Data(contentsOf: URL(filePath: "\(folder)/\(image)")) == Self.file)
                let noted = try await api.cloud.database.read { transaction in
                    let row = try #require(try transaction.query("SELECT sha256, bytes FROM snapshot").first)
                    return (try row["sha256"] as String, try row["bytes"] as Int)
                }
                #expect(noted == (Self.digest, 5000))
            }
        }
    }
}
