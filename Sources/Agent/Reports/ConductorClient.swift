// SPDX-License-Identifier: Apache-2.0

package import AsyncHTTPClient
import Foundation
package import GantryModel
package import GantryProtocol
import NIOCore
import NIOHTTP1

/// The conductor's answers to this node.
package protocol ConductorConnection: Sendable {
    /// Begins a session, which ends any older one of this node.
    func openSession(_ request: NodeSessionRequest) async throws -> NodeSession
    func send(_ report: NodeReport) async throws -> ReportReceipt
    /// Tells what machines used. Once: nobody waits for it.
    func send(_ metrics: NodeMetrics) async throws
    /// Nil when the revision is still the newest.
    func desired(since revision: Int64?) async throws -> DesiredState?
    /// Tells what a job came to. One that is not waited for any more is answered all the same.
    func finish(_ job: MachineJobID, _ outcome: MachineJobOutcome) async throws
    /// Tells the secrets that the node has, or will have.
    func send(_ credentials: NodeCredentialsRequest) async throws
}

/// Why the conductor did not do what it was asked.
package enum ConductorError: Error, Sendable, CustomStringConvertible {
    /// Another agent with this node's identity has begun a newer session.
    case superseded(String)
    /// The session is over, and another one has to begin: the node was declared dead, or the database restored.
    case sessionOver(String)
    /// It understood and said no; asking again does not help.
    case refused(status: UInt, String)
    /// It cannot be reached, or has trouble of its own.
    case unavailable(String)

    /// Whether nothing more is to be done in this session.
    package var endsSession: Bool {
        switch self {
        case .superseded, .sessionOver: true
        case .refused, .unavailable: false
        }
    }

    package var description: String {
        switch self {
        case .superseded(let text): "the conductor ended this agent's session: \(text)"
        case .sessionOver(let text): "the conductor wants a new session: \(text)"
        case .refused(let status, let text): "the conductor refused (\(status)): \(text)"
        case .unavailable(let text): "the conductor is not available: \(text)"
        }
    }
}

/// The conductor's internal API over HTTP, by the node's own key.
package struct ConductorClient: ConductorConnection {
    private let client: HTTPClient
    private let base: String
    private let key: @Sendable () -> String

    /// - Parameters:
    ///   - client: Lent for the life of this value.
    ///   - url: The conductor's address, without a path.
    ///   - node: This node.
    ///   - key: The node's API key, asked for at each request.
    package init(client: HTTPClient, url: String, node: NodeName, key: @escaping @Sendable () -> String) {
        self.client = client
        base = "\(url.hasSuffix("/") ? String(url.dropLast()) : url)/v1/internal/nodes/\(node)"
        self.key = key
    }

    package func openSession(_ request: NodeSessionRequest) async throws -> NodeSession {
        try await decode(call(.POST, "sessions", NodeJSON.encoder.encode(request)).body)
    }

    package func send(_ report: NodeReport) async throws -> ReportReceipt {
        try await decode(call(.POST, "reports", NodeJSON.encoder.encode(report)).body)
    }

    package func send(_ metrics: NodeMetrics) async throws {
        _ = try await call(.POST, "metrics", NodeJSON.encoder.encode(metrics))
    }

    package func desired(since revision: Int64?) async throws -> DesiredState? {
        let headers = revision.map { ["if-none-match": "\"\($0)\""] } ?? [:]
        let answer = try await call(.GET, "desired", nil, headers)
        return answer.status == 304 ? nil : try decode(answer.body)
    }

    package func finish(_ job: MachineJobID, _ outcome: MachineJobOutcome) async throws {
        _ = try await call(.POST, "jobs/\(job)", NodeJSON.encoder.encode(outcome))
    }

    package func send(_ credentials: NodeCredentialsRequest) async throws {
        _ = try await call(.PUT, "credentials", NodeJSON.encoder.encode(credentials))
    }

    private func decode<Value: Decodable>(_ data: Data) throws -> Value {
        do {
            return try NodeJSON.decoder.decode(Value.self, from: data)
        } catch {
            throw ConductorError.unavailable("its answer cannot be read: \(error)")
        }
    }

    private func call(
        _ method: HTTPMethod,
        _ path: String,
        _ body: Data?,
        _ headers: [String: String] = [:]
    ) async throws -> (status: UInt, body: Data) {
        var request = HTTPClientRequest(url: "\(base)/\(path)")
        request.method = method
        request.headers.add(name: "authorization", value: "Bearer \(key())")
        for (name, value) in headers { request.headers.add(name: name, value: value) }
        if let body {
            request.headers.add(name: "content-type", value: "application/json")
            request.body = .bytes(ByteBuffer(bytes: body))
        }
        let (status, data) = try await execute(request)
        if (200..<300).contains(status) || status == 304 { return (status, data) }
        let text = String(decoding: data.prefix(500), as: UTF8.self)
        switch status {
        case 409: throw ConductorError.superseded(text)
        case 410: throw ConductorError.sessionOver(text)
        case 429, 500...: throw ConductorError.unavailable("\(status) \(text)")
        default: throw ConductorError.refused(status: status, text)
        }
    }

    private func execute(_ request: HTTPClientRequest) async throws -> (UInt, Data) {
        do {
            let response = try await client.execute(request, timeout: .seconds(30))
            let buffer = try await response.body.collect(upTo: 64 << 20)
            return (response.status.code, Data(buffer.readableBytesView))
        } catch {
            throw ConductorError.unavailable("\(TransportTrouble(error))")
        }
    }
}
