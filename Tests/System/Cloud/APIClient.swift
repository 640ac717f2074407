// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import Foundation
import GantryModel
import GantryProtocol
import NIOCore
import NIOHTTP1

/// What the API said no to.
struct APIRefusal: Error, CustomStringConvertible {
    let status: UInt
    let body: ErrorBody

    var description: String { "\(status) \(body.errorReason): \(body.message)" }
}

/// A conductor's API as a tenant's client uses it.
struct APIClient: Sendable {
    let url: String
    let key: String

    func create(_ request: CreateInstancesRequest) async throws -> [InstanceBody] {
        let answer = try await call("POST", "virtual-machines", body: RESTJSON.encoder.encode(request))
        return try RESTJSON.decoder.decode(CreateInstancesAnswer.self, from: answer).instances
    }

    /// The machine as it is now; nil when there is none.
    func instance(_ id: Int64) async throws -> InstanceBody? {
        do {
            let answer = try await call("GET", "virtual-machines/\(id)")
            return try RESTJSON.decoder.decode(InstanceAnswer.self, from: answer).instance
        } catch let refusal as APIRefusal where refusal.status == 404 {
            return nil
        }
    }

    func delete(_ id: Int64) async throws { _ = try await call("DELETE", "virtual-machines/\(id)") }
    func start(_ id: Int64) async throws { _ = try await call("GET", "virtual-machines/\(id)/start") }
    func stop(_ id: Int64) async throws { _ = try await call("GET", "virtual-machines/\(id)/stop") }
    func hardReboot(_ id: Int64) async throws { _ = try await call("GET", "virtual-machines/\(id)/hard-reboot") }

    private func call(_ method: String, _ path: String, body: Data? = nil) async throws -> Data {
        var request = HTTPClientRequest(url: "\(url)/v1/core/\(path)")
        request.method = .init(rawValue: method)
        request.headers.add(name: "api_key", value: key)
        if let body {
            request.headers.add(name: "content-type", value: "application/json")
            request.body = .bytes(ByteBuffer(bytes: body))
        }
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(30))
        let answer = Data(try await response.body.collect(upTo: 16 << 20).readableBytesView)
        guard (200..<300).contains(response.status.code) else {
            throw APIRefusal(
                status: response.status.code,
                body: try RESTJSON.decoder.decode(ErrorBody.self, from: answer)
            )
        }
        return answer
    }
}
