// SPDX-License-Identifier: Apache-2.0

import Agent
import AsyncHTTPClient
import Crypto
import Foundation
import GantryModel
import GantryTestSupport
import NIOCore
import Testing

@Suite("A file is fetched whole or not at all, and says why not")
struct ImageDownloadTests {
    private let image = Data((0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 >> 8) })

    /// What was fetched, with the percentages told on the way.
    private func fetch(_ url: String) async throws -> (data: Data, digest: String, percents: [Int]) {
        try await withTemporaryDirectory { folder in
            let percents = Shared<[Int]>([])
            var configuration = HTTPClient.Configuration()
            configuration.timeout.connect = .milliseconds(500)
            let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
            let result: Result<GantryModel.SHA256Digest, Fault>
            do throws(Fault) {
                result = .success(
                    try await ImageDownload(client: client)
                        .run(from: url, to: "\(folder)/image") { percent in percents.change { $0.append(percent) } }
                )
            } catch {
                result = .failure(error)
            }
            try await client.shutdown()
            let digest = try result.get().description
            let data = try Data(contentsOf: URL(filePath: "\(folder)/image"))
            return (data, digest, percents.value)
        }
    }

    private func fault(_ url: String) async -> Fault.Code? {
        await #expect(throws: Fault.self) { try await fetch(url) }?.code
    }

    private var digest: String { SHA256.hash(data: image).map { String(format: "%02x", $0) }.joined() }

    @Test("From a server and from a file, digested, the percentages rising to 100")
    func whole() async throws {
        let image = image
        try await ImageServer.with({ _ in .whole(image) }) { server in
            let fetched = try await fetch("\(server.url)/image")
            #expect(fetched.data == image)
            #expect(fetched.digest == digest)
            #expect(fetched.percents.last == 100)
            #expect(fetched.percents == fetched.percents.sorted())
        }
        try await withTemporaryDirectory { folder in
            try image.write(to: URL(filePath: "\(folder)/an image"))
            let fetched = try await fetch("file://\(folder)/an%20image")
            #expect(fetched.data == image)
            #expect(fetched.percents.last == 100)
        }
    }

    @Test("Without a size told, and behind a redirect")
    func variants() async throws {
        let image = image
        try await ImageServer.with({ request in
            request.path == "/moved"
                ? .init(status: 302, headers: ["Location: /image"], length: 0) : .init(body: image)
        }) { server in
            let fetched = try await fetch("\(server.url)/moved")
            #expect(fetched.data == image)
            #expect(fetched.percents == [])
            #expect(server.requests.map(\.path) == ["/moved", "/image"])
        }
    }

    @Test("A broken connection goes on where it broke")
    func resumed() async throws {
        let image = image
        try await ImageServer.with({ request in
            guard let from = request.from else { return .cut(image, after: 100_000) }
            return from < 200_000 ? .rest(of: image, from: from, upTo: 150_000) : .rest(of: image, from: from)
        }) { server in
            let fetched = try await fetch("\(server.url)/image")
            #expect(fetched.data == image)
            #expect(fetched.digest == digest)
            // Bytes that were on their way when it broke come again.
            let starts = server.requests.map { $0.from ?? 0 }
            #expect(starts.count >= 3 && starts[1] > 0)
            #expect(starts == starts.sorted())
        }
    }

    @Test("A server without ranges is asked again from the start")
    func restarted() async throws {
        let image = image
        let attempts = Shared(0)
        try await ImageServer.with({ _ in
            let attempt = attempts.change { $0 += 1 }
            return attempt < 3 ? .cut(image, after: attempt * 100_000) : .whole(image)
        }) { server in
            let fetched = try await fetch("\(server.url)/image")
            #expect(fetched.data == image)
            #expect(fetched.digest == digest)
        }
    }

    @Test("A file that is shorter than its server says is truncated, with and without ranges")
    func truncated() async throws {
        let image = image
        try await ImageServer.with({ request in
            switch (request.path, request.from) {
            case ("/ranges", let from?):
                from < 100_000 ? .rest(of: image, from: from, upTo: 0) : .init(status: 416, length: 0)
            default: .cut(image, after: 100_000)
            }
        }) { server in
            #expect(await fault("\(server.url)/ranges") == .imageTruncated)
            #expect(await fault("\(server.url)/none") == .imageTruncated)
        }
    }

    @Test(
        "An answer that is no image says what it is",
        arguments: [
            (404, Fault.Code.imageMissing), (410, .imageMissing), (403, .imageUnreachable), (500, .imageUnreachable),
            (503, .imageUnreachable), (204, .imageUnreachable),
        ]
    )
    func status(_ status: Int, _ code: Fault.Code) async throws {
        try await ImageServer.with({ _ in .init(status: status, length: 0) }) { server in
            #expect(await fault("\(server.url)/image") == code)
        }
    }

    @Test("What cannot be fetched at all is told apart: nobody there, no file, no such scheme, redirects without end")
    func unreachable() async throws {
        #expect(await fault("http://127.0.0.1:1/image") == .imageUnreachable)
        #expect(await fault("file:///nonexistent/image") == .imageMissing)
        for url in ["ftp://127.0.0.1/image", "image", "", "http//x"] {
            #expect(await fault(url) == .imageInvalid, "\(url)")
        }
        try await ImageServer.with({ _ in .init(status: 302, headers: ["Location: /image"], length: 0) }) { server in
            #expect(await fault("\(server.url)/image") == .imageUnreachable)
        }
    }
}
