// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1

/// The few calls that the load makes, over keep-alive connections, as a tenant would.
struct API: Sendable {
    let client: HTTPClient
    /// The conductor, `http://HOST:PORT`.
    let url: String

    /// The key of the test data.
    private static let key = "test_token"

    struct Refused: Error, CustomStringConvertible {
        let description: String
    }

    struct Machine: Decodable, Sendable {
        let id: Int64
        let status: String
    }

    struct Page: Decodable, Sendable {
        let count: Int
        let instances: [Machine]
    }

    private struct Created: Decodable { let instances: [Machine] }
    private struct Shown: Decodable { let instance: Machine }

    /// The request of the README: a floating IP and a label.
    func createMachine() async throws -> Machine {
        let body = try JSONSerialization.data(withJSONObject: [
            "environment_name": "TestEnv", "image_name": "TestImage", "flavor_name": "TestFlavor",
            "key_names": ["TestKey"], "labels": ["benchmark"], "assign_floating_ip": true, "count": 1,
        ])
        return try await JSONDecoder().decode(Created.self, from: call(.POST, "virtual-machines", body)).instances[0]
    }

    func deleteMachine(_ id: Int64) async throws {
        _ = try await call(.DELETE, "virtual-machines/\(id)")
    }

    /// Nil when there is no such machine (any more).
    func machine(_ id: Int64) async throws -> Machine? {
        let (status, data) = try await answer(.GET, "virtual-machines/\(id)", nil)
        if status == 404 { return nil }
        guard status == 200 else {
            throw Refused(description: "GET answered \(status): \(String(decoding: data, as: UTF8.self))")
        }
        return try JSONDecoder().decode(Shown.self, from: data).instance
    }

    /// The first page of all machines.
    func machines(pageSize: Int) async throws -> Page {
        try await JSONDecoder().decode(Page.self, from: call(.GET, "virtual-machines?page=1&pageSize=\(pageSize)"))
    }

    private func call(_ method: HTTPMethod, _ path: String, _ body: Data? = nil) async throws -> Data {
        let (status, data) = try await answer(method, path, body)
        guard status == 200 else {
            throw Refused(description: "\(method) \(path) answered \(status): \(String(decoding: data, as: UTF8.self))")
        }
        return data
    }

    private func answer(_ method: HTTPMethod, _ path: String, _ body: Data?) async throws -> (UInt, Data) {
        var request = HTTPClientRequest(url: "\(url)/v1/core/\(path)")
        request.method = method
        request.headers.add(name: "api_key", value: Self.key)
        if let body {
            request.headers.add(name: "content-type", value: "application/json")
            request.body = .bytes(ByteBuffer(bytes: body))
        }
        let response = try await client.execute(request, timeout: .seconds(60))
        let buffer = try await response.body.collect(upTo: 1 << 20)
        return (response.status.code, Data(buffer.readableBytesView))
    }
}
