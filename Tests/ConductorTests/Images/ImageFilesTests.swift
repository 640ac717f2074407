// SPDX-License-Identifier: Apache-2.0

import Foundation
import GantryModel
import GantryProtocol
import GantryTestSupport
import NIOCore
import Testing

@testable import Conductor

@Suite("The image store takes a file piece by piece, and gives it its name when the whole is right")
struct ImageFilesTests {
    private static let digest = "88d4266fd4e6338d13b845fcf289579d209c897823b9217da3e161936f031589"

    private func body(_ pieces: String...) -> AsyncThrowingStream<ByteBuffer, any Error> {
        AsyncThrowingStream { continuation in
            for piece in pieces { continuation.yield(ByteBuffer(string: piece)) }
            continuation.finish()
        }
    }

    @Test("One that breaks off goes on where it ended; damage is noticed, and what came is forgotten")
    func append() async throws {
        try await withTemporaryDirectory { folder in
            let files = ImageFiles(directory: folder + "/store")
            let (image, digest) = (StoredImageUUID(), try SHA256Digest(Self.digest))
            #expect(try await files.state(of: image) == ImageUploadState(received: 0, isComplete: false))
            let first = try await files.append(body("a"), to: image, offset: 0, size: 4, digest: digest)
            #expect(first == ImageUploadState(received: 1, isComplete: false))
            #expect(try await files.state(of: image).received == 1)
            await #expect(throws: APIError.self) {
                try await files.append(body("x"), to: image, offset: 0, size: 4, digest: digest)
            }
            await #expect(throws: APIError.self) {
                try await files.append(body("bcX"), to: image, offset: 1, size: 4, digest: digest)
            }
            #expect(try await files.state(of: image) == ImageUploadState(received: 0, isComplete: false))
            _ = try await files.append(body("a", "b"), to: image, offset: 0, size: 4, digest: digest)
            let last = try await files.append(body("c", "d"), to: image, offset: 2, size: 4, digest: digest)
            #expect(last == ImageUploadState(received: 4, isComplete: true))
            #expect(try String(contentsOfFile: files.path(of: image), encoding: .utf8) == "abcd")
            #expect(try await files.size(of: image) == 4)
            try await files.remove(image)
            try await files.remove(image)
            #expect(try await files.size(of: image) == nil)
        }
    }
}
