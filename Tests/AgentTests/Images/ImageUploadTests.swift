// SPDX-License-Identifier: Apache-2.0

import Agent
import AsyncHTTPClient
import Crypto
import Foundation
import GantryModel
import GantryProtocol
import GantryTestSupport
import Testing

@Suite("A snapshot's file is brought to the image store whole, however often a connection breaks")
struct ImageUploadTests {
    private let image = Data((0..<900_000).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 >> 8) })

    /// A store that has what came so far, and what to ask of it.
    private func upload(to server: ImageServer) async throws {
        try await withTemporaryDirectory { folder in
            let path = folder + "/snapshot"
            try image.write(to: URL(filePath: path))
            let client = HTTPClient(eventLoopGroupProvider: .singleton)
            let store = ImageStoreClient(client: client, url: server.url, node: try NodeName("n1"), key: { "secret" })
            let digest = SHA256.hash(data: image).map { String(format: "%02x", $0) }.joined()
            let result: Result<Void, any Error>
            do {
                try await store.upload(
                    path,
                    as: StoredImageUUID(),
                    digest: GantryModel.SHA256Digest(digest),
                    size: Int64(image.count)
                )
                result = .success(())
            } catch {
                result = .failure(error)
            }
            try await client.shutdown()
            try result.get()
        }
    }

    private static func state(_ received: Int, of size: Int) -> ImageServer.Reply {
        let state = ImageUploadState(received: Int64(received), isComplete: received == size)
        return .whole((try? NodeJSON.encoder.encode(state)) ?? Data())
    }

    @Test("It goes on from what the store has, and sends nothing twice", .timeLimit(.minutes(1)))
    func resumed() async throws {
        let (size, received) = (image.count, Shared(Data()))
        try await ImageServer.with(
            breaks: [1, 300_000],
            { request in Self.state(received.change { $0 += request.body }.count, of: size) }
        ) { server in
            try await upload(to: server)
            #expect(received.value == image)
            let puts = server.requests.filter { $0.method == "PUT" }.map(\.path)
            #expect(puts.map { $0.firstMatch(of: /offset=(\d+)/)?.1 } == ["0", "1", "300001"])
        }
    }

    @Test("A store that refuses it is not asked again")
    func refused() async throws {
        try await ImageServer.with({ _ in .init(status: 404, length: 0) }) { server in
            let fault = await #expect(throws: Fault.self) { try await upload(to: server) }
            #expect(fault?.code == .imageUnreachable)
            #expect(server.requests.count == 1)
        }
    }
}
