// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import Foundation
package import GantryModel
package import GantryProtocol
import NIOCore
import NIOHTTP1
import NIOSSL
import Settings

/// Makes this host a node: exchanges a join token for what its agent needs, and writes that down.
///
/// It may end between any two of its steps and be done again: the secrets are on disk before the conductor hears of them,
/// and the configuration appears whole, last.
package struct HostJoin: Sendable {
    private let conductorURL: String
    private let token: JoinToken
    private let node: NodeName
    private let hostname: String
    private let configuration: JoinedConfiguration
    private let replaces: Bool

    /// Why the host did not become a node.
    package struct Failure: Error, Sendable, CustomStringConvertible {
        package let description: String
        /// The conductor's stable code, where it refused.
        package var reason: String?
    }

    /// - Parameters:
    ///   - conductorURL: as agents reach it, without a path.
    ///   - token: an operator's.
    ///   - node: what the node is to be called.
    ///   - hostname: the kernel's name of this host.
    ///   - path: of the agent's configuration.
    ///   - replaces: whether the host may give up the node that its configuration says it is.
    /// - Throws: ``Failure`` for an address that cannot be, or that the token forbids.
    package init(
        conductorURL: String,
        token: JoinToken,
        node: NodeName,
        hostname: String,
        path: String,
        replaces: Bool = false
    ) throws(Failure) {
        guard let url = URL(string: conductorURL), ["http", "https"].contains(url.scheme), url.host()?.isEmpty == false
        else {
            throw Failure(
                description: "“\(conductorURL)” is no address; write one such as https://conductor.example:8443."
            )
        }
        guard token.authorities == nil || url.scheme == "https" else {
            throw Failure(description: "The token's conductor speaks TLS: write https:// before its address.")
        }
        self.conductorURL = conductorURL.hasSuffix("/") ? String(conductorURL.dropLast()) : conductorURL
        (self.token, self.node, self.hostname, self.replaces) = (token, node, hostname, replaces)
        configuration = JoinedConfiguration(path: path)
    }

    /// Joins, or goes on with a join that ended in the middle.
    ///
    /// - Returns: whether something was to be done; false when the host is that node already.
    /// - Throws: ``Failure``, or a fault of the host's disk.
    package func run() async throws -> Bool {
        let lock = try configuration.lock()
        defer { lock.end() }
        if !replaces, let known = try configuration.identity() {
            guard known == JoinedConfiguration.Identity(conductorURL: conductorURL, node: node.description) else {
                throw Failure(
                    description:
                        "\(configuration.path) makes this host node \(known.node) of \(known.conductorURL). To make "
                        + "it another, say --replace; the old file is kept beside the new one."
                )
            }
            try configuration.forgetPending()
            return false
        }
        try configuration.checkRoom(replacing: replaces)
        let pending = try configuration.pending(
            PendingJoin(conductorURL: conductorURL, secret: token.secret, node: node, hostname: hostname)
        )
        let authorities = try await authorities()
        let answer = try await join(pending.credentials, authorities)
        try configuration.write(
            answer,
            pending,
            authorities: authorities,
            replacing: replaces
        )
        try configuration.forgetPending()
        return true
    }

    // MARK: - The conductor

    /// What the conductor shows to whoever asks, if it is what the token says. Nothing is told to it before that.
    private func authorities() async throws -> CertificateAuthorities? {
        guard let digest = token.authorities else { return nil }
        var unverified = TLSConfiguration.makeClientConfiguration()
        unverified.certificateVerification = .none
        let request = HTTPClientRequest(url: conductorURL + "/v1/internal/authorities")
        let authorities = try CertificateAuthorities(pem: try await call(request, unverified))
        guard authorities.digest == digest else {
            throw Failure(
                description: "Who answers at \(conductorURL) is not the conductor that made the token: its certificate "
                    + "authority is another. Either somebody is in between, or the authority was changed since; look at "
                    + "the address, and make a new token."
            )
        }
        return authorities
    }

    private func join(
        _ credentials: NewNodeCredentials,
        _ authorities: CertificateAuthorities?
    ) async throws -> NodeJoinAnswer {
        var request = HTTPClientRequest(url: conductorURL + "/v1/internal/join")
        request.method = .POST
        request.headers.add(name: "authorization", value: "Bearer \(token.secret)")
        request.headers.add(name: "content-type", value: "application/json")
        let body = NodeJoinRequest(node: node, hostname: hostname, credentials: credentials)
        request.body = .bytes(ByteBuffer(bytes: try NodeJSON.encoder.encode(body)))
        let data = try await call(request, authorities?.clientConfiguration)
        do {
            return try NodeJSON.decoder.decode(NodeJoinAnswer.self, from: data)
        } catch {
            throw Failure(description: "The conductor's answer cannot be read: \(error)")
        }
    }

    private func call(_ request: HTTPClientRequest, _ tls: TLSConfiguration?) async throws -> Data {
        var settings = HTTPClient.Configuration(tlsConfiguration: tls)
        // A person waits for it, and can try again.
        settings.connectionPool.retryConnectionEstablishment = false
        let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: settings)
        let result: Result<(HTTPResponseStatus, Data), any Error>
        do {
            let response = try await client.execute(request, timeout: .seconds(30))
            let buffer = try await response.body.collect(upTo: 1 << 20)
            result = .success((response.status, Data(buffer.readableBytesView)))
        } catch {
            result = .failure(error)
        }
        try? await client.shutdown()
        switch result {
        case .success((.ok, let data)): return data
        case .success((let status, let data)):
            let said = try? RESTJSON.decoder.decode(ErrorBody.self, from: data)
            throw Failure(
                description: said?.message
                    ?? "The conductor answered \(status): \(String(decoding: data.prefix(500), as: UTF8.self))",
                reason: said?.errorReason
            )
        case .failure(let error):
            throw Failure(description: "The conductor at \(conductorURL) cannot be reached: \(TransportTrouble(error))")
        }
    }
}
