// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
package import Foundation
import NIOCore
import NIOHTTP1

/// What is posted once.
package struct CallbackMessage: Sendable {
    /// The same at each attempt.
    package var id: String
    package var url: String
    package var body: Data
    /// The newest first; none leaves it unsigned.
    package var secrets: [WebhookSecret]
    /// From 1.
    package var attempt: Int

    package init(id: String, url: String, body: Data, secrets: [WebhookSecret], attempt: Int = 1) {
        (self.id, self.url, self.body) = (id, url, body)
        (self.secrets, self.attempt) = (secrets, attempt)
    }
}

/// Posts to receivers that tenants name, and so trusts nothing about them.
package struct CallbackClient: Sendable {
    let policy: CallbackPolicy
    let resolver: AddressResolver
    /// From the first byte to the answer's head.
    let timeLimit: TimeAmount

    package init(
        policy: CallbackPolicy,
        resolver: AddressResolver = .system,
        timeLimit: Duration = .seconds(15)
    ) {
        self.policy = policy
        self.resolver = resolver
        self.timeLimit = TimeAmount(timeLimit)
    }

    /// Posts a message.
    ///
    /// - Throws: ``CallbackFailure`` when the receiver did not take it, `CancellationError` when it is not known.
    package func post(_ message: CallbackMessage) async throws {
        let target = try Self.target(message.url)
        let address = try await address(of: target, message.attempt)
        let client = client(to: target, at: address)
        let result: Result<HTTPResponseStatus, any Error>
        do {
            result = .success(try await client.execute(request(message), timeout: timeLimit).status)
        } catch {
            result = .failure(error)
        }
        // The body is not read: whatever it is and however long, it ends with the connection.
        try? await client.shutdown()
        try Self.check(result.mapError { Self.failure($0) }.get())
    }

    private static func target(_ url: String) throws -> CallbackTarget {
        do {
            return try CallbackTarget(url)
        } catch {
            throw CallbackFailure("The URL cannot be used: \(error)", isFinal: true)
        }
    }

    /// An address that was looked at. Attempts take turns where there are several.
    private func address(of target: CallbackTarget, _ attempt: Int) async throws -> SocketAddress {
        let addresses = try await resolver.addresses(of: target)
        if !policy.allowsPrivate, let address = addresses.first(where: { !PublicAddress.contains($0) }) {
            throw CallbackFailure(
                "\(target.host) has the address \(address.ipAddress ?? "?"), which is not public; callbacks go to "
                    + "public addresses alone."
            )
        }
        guard !addresses.isEmpty else { throw CallbackFailure("\(target.host) has no address.") }
        return addresses[(attempt - 1) % addresses.count]
    }

    /// A client for one request. Only a client as a whole can be told to connect to an address for a name, with the name
    /// still in the Host header and in TLS, and nothing else makes sure that the address is the one that was looked at.
    private func client(to target: CallbackTarget, at address: SocketAddress) -> HTTPClient {
        var configuration = HTTPClient.Configuration(
            redirectConfiguration: .disallow,
            timeout: .init(connect: .seconds(5), read: timeLimit),
            decompression: .disabled
        )
        configuration.httpVersion = .http1Only
        if target.literal == nil, let ip = address.ipAddress { configuration.dnsOverride = [target.host: ip] }
        return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }

    private func request(_ message: CallbackMessage) -> HTTPClientRequest {
        let timestamp = Int(Date().timeIntervalSince1970)
        var request = HTTPClientRequest(url: message.url)
        request.method = .POST
        request.headers = [
            "content-type": "application/json", "user-agent": "Gantry", "connection": "close",
            "webhook-id": message.id, "webhook-timestamp": String(timestamp),
        ]
        if !message.secrets.isEmpty {
            let signatures = message.secrets.map {
                $0.signature(id: message.id, timestamp: timestamp, body: message.body)
            }
            request.headers.add(name: "webhook-signature", value: signatures.joined(separator: " "))
        }
        request.body = .bytes(ByteBuffer(bytes: message.body))
        return request
    }

    private static func check(_ status: HTTPResponseStatus) throws {
        switch status.code {
        case 200...299: return
        case 300...399:
            throw CallbackFailure("The receiver answered \(status.code); redirects are not followed.")
        case 410: throw CallbackFailure("The receiver answered 410: it is gone.", isFinal: true)
        default: throw CallbackFailure("The receiver answered \(status.code).")
        }
    }

    private static func failure(_ error: any Error) -> any Error {
        if error is CancellationError { return error }
        return switch error as? HTTPClientError {
        case .cancelled: CancellationError()
        case .deadlineExceeded, .readTimeout: CallbackFailure("The receiver did not answer in time.")
        case .connectTimeout: CallbackFailure("The receiver took no connection in time.")
        default: CallbackFailure("The receiver was not reached: \(error)")
        }
    }
}
