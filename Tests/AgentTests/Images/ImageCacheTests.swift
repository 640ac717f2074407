// SPDX-License-Identifier: Apache-2.0

import Agent
import AsyncHTTPClient
import Crypto
import Foundation
import GantryModel
import GantryProtocol
import GantryTestSupport
import Testing

@Suite("An image is fetched once and kept only if it is what it should be")
struct ImageCacheTests {
    /// Lends a cache, and a good image with its digest.
    private func withCache(_ body: (ImageCache, String, Data) async throws -> Void) async throws {
        try await withTemporaryDirectory { folder in
            try await shell("qemu-img", "create", "-q", "-f", "qcow2", "\(folder)/good", "1G")
            try await shell("qemu-io", "-f", "qcow2", "-c", "write 0 1M", "\(folder)/good")
            let good = try Data(contentsOf: URL(filePath: "\(folder)/good"))
            try FileManager.default.createDirectory(atPath: "\(folder)/cache", withIntermediateDirectories: false)
            let client = HTTPClient(eventLoopGroupProvider: .singleton)
            let result: Result<Void, any Error>
            do {
                let download = ImageDownload(client: client)
                let cache = ImageCache(directory: "\(folder)/cache", download: download, logger: Example.logger)
                result = .success(try await body(cache, "\(folder)/cache", good))
            } catch {
                result = .failure(error)
            }
            try await client.shutdown()
            try result.get()
        }
    }

    private func image(_ url: String, _ data: Data, _ format: ImageSource.Format = .qcow2) throws -> ImageSource {
        let digest = SHA256.hash(data: data).map { String(format: "%02x", $0) }.joined()
        return try Example.image(url: url, sha256: digest, format: format)
    }

    private func files(_ directory: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: directory)
    }

    @Test("Once for all that ask, at once and later; read-only under its digest, its progress told to each")
    func shared() async throws {
        try await withCache { cache, directory, good in
            let gate = DispatchSemaphore(value: 0)
            try await ImageServer.with({ _ in .whole(good, gate: gate) }) { server in
                let image = try image("\(server.url)/good", good)
                let told = Shared<[Int: [Int]]>([:])
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for caller in 1...3 {
                        group.addTask {
                            try await cache.ensure(image, diskGiB: 10) { percent in
                                told.change { $0[caller, default: []].append(percent) }
                            }
                        }
                    }
                    try await eventually("one is asked for") { server.requests.count == 1 }
                    gate.signal()
                    try await group.waitForAll()
                }
                try await cache.ensure(image, diskGiB: 10) { _ in }
                #expect(server.requests.count == 1)
                #expect(try files(directory) == [image.sha256.description])
                let mode = try FileManager.default.attributesOfItem(atPath: cache.path(of: image))[.posixPermissions]
                #expect(mode as? Int == 0o444)
                try await eventually("each is told") { told.value.values.filter { $0.last == 100 }.count == 3 }
            }
        }
    }

    @Test("A caller that gives up waits no longer, and the last one takes the fetch along")
    func givenUp() async throws {
        try await withCache { cache, directory, good in
            let gate = DispatchSemaphore(value: 0)
            try await ImageServer.with({ _ in .whole(good, gate: gate) }) { server in
                let image = try image("\(server.url)/good", good)
                let first = Task { try await cache.ensure(image, diskGiB: 10) { _ in } }
                let second = Task { try await cache.ensure(image, diskGiB: 10) { _ in } }
                try await eventually("one is asked for") { server.requests.count == 1 }
                first.cancel()
                #expect(await first.result.fault?.code == .imageUnreachable)
                second.cancel()
                #expect(await second.result.fault?.code == .imageUnreachable)
                try await eventually("nothing is left of it") { try files(directory) == [] }
                // A fetch that ends does not harm the next of the same image.
                let third = Task { try await cache.ensure(image, diskGiB: 10) { _ in } }
                for _ in 1...2 { gate.signal() }
                try await third.value
                #expect(try files(directory) == [image.sha256.description])
            }
        }
    }

    @Test("What is not as registered, or no image, or damaged, is not kept")
    func refused() async throws {
        try await withCache { cache, directory, good in
            var damaged = good
            // The table of clusters points nowhere.
            damaged.replaceSubrange(0x30000..<0x30008, with: [0x80, 0, 0, 0x7F, 0, 0, 0, 0])
            let half = good.prefix(good.count / 2)
            let bodies = ["/good": good, "/text": Data("text".utf8), "/damaged": damaged, "/half": half]
            try await ImageServer.with({ .whole(bodies[$0.path] ?? Data()) }) { server in
                let other = try image("\(server.url)/good", Data())
                let cases: [(ImageSource, Fault.Code)] = [
                    (other, .imageDigestMismatch),
                    (try image("\(server.url)/text", Data("text".utf8)), .imageInvalid),
                    (try image("\(server.url)/damaged", damaged), .imageInvalid),
                    (try image("\(server.url)/half", half), .imageInvalid),
                    (try image("\(server.url)/good", good, .raw), .imageUnsafe),
                    (try image("\(server.url)/empty", Data(), .raw), .imageInvalid),
                ]
                for (image, code) in cases {
                    let fault = await #expect(throws: Fault.self) {
                        try await cache.ensure(image, diskGiB: 10) { _ in }
                    }
                    #expect(fault?.code == code, "\(image.url)")
                }
                #expect(try files(directory) == [])
            }
        }
    }

    @Test("One that is larger than the flavor's disk is kept for larger ones")
    func large() async throws {
        try await withCache { cache, directory, _ in
            let large = "\(directory).large"
            try await shell("qemu-img", "create", "-q", "-f", "qcow2", large, "20G")
            let image = try image("file://\(large)", Data(contentsOf: URL(filePath: large)))
            let fault = await #expect(throws: Fault.self) { try await cache.ensure(image, diskGiB: 19) { _ in } }
            #expect(fault?.code == .imageTooLarge)
            #expect(fault?.message.contains("20 GiB") == true)
            try await cache.ensure(image, diskGiB: 20) { _ in }
        }
    }

    @Test("A full disk is that, and nothing is left of the image (root)")
    func full() async throws {
        try await withSmallDisk(kibibytes: 512) { folder in
            let client = HTTPClient(eventLoopGroupProvider: .singleton)
            let cache = ImageCache(
                directory: folder,
                download: ImageDownload(client: client),
                logger: Example.logger
            )
            let data = Data(repeating: 1, count: 1 << 20)
            try await ImageServer.with({ _ in .init(body: data) }) { server in
                let image = try image("\(server.url)/large", data, .raw)
                let fault = await #expect(throws: Fault.self) { try await cache.ensure(image, diskGiB: 1) { _ in } }
                #expect(fault?.code == .hostDiskFull)
                #expect(try files(folder) == [])
            }
            try await client.shutdown()
        }
    }

    @Test("What an agent left that died in the middle goes with the next start")
    func leftovers() async throws {
        try await withCache { cache, directory, _ in
            let part = try cache.path(of: Example.image()) + ".1.part"
            try Data("half".utf8).write(to: URL(filePath: part))
            let client = HTTPClient(eventLoopGroupProvider: .singleton)
            _ = ImageCache(directory: directory, download: ImageDownload(client: client), logger: Example.logger)
            #expect(try files(directory) == [])
            try await client.shutdown()
        }
    }
}

extension Result where Failure == any Error {
    /// Why it failed, when that is a fault.
    fileprivate var fault: Fault? {
        guard case .failure(let error) = self else { return nil }
        return error as? Fault
    }
}
