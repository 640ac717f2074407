// SPDX-License-Identifier: Apache-2.0

import Conductor
import Foundation
import GantryModel
import GantryProtocol
import HTTPTypes
import Testing

/// A host that wants to be a node, or is one, with the secrets that it has.
struct JoiningHost: Sendable {
    var node: NodeName
    var hostname = "host-1"
    var credentials = NewNodeCredentials.example()

    /// With a name that no other test uses: users are the broker's, not the virtual host's.
    init() throws {
        node = try NodeName("n\(UInt32.random(in: 0...UInt32.max))")
    }

    var request: NodeJoinRequest { NodeJoinRequest(node: node, hostname: hostname, credentials: credentials) }
}

extension NewNodeCredentials {
    /// Others each time.
    static func example() -> NewNodeCredentials {
        func secret() -> String {
            (0..<43).map { _ in String("abcdefghijklmnopqrstuvwxyz".randomElement() ?? "a") }.joined()
        }
        return NewNodeCredentials(apiKey: secret(), brokerPassword: secret())
    }
}

extension TestAPI {
    /// Makes a token, for one host alone if it is named.
    func joinToken(hostname: String? = nil) async throws -> String {
        let more = hostname.map { #","hostname":"\#($0)""# } ?? ""
        let body = try await operate(
            .post,
            "join-tokens",
            #"{"region":"TEST-1"\#(more)}"#,
            showing: JoinTokenBody.self
        )
        return try JoinToken(try #require(body.token)).secret
    }

    /// Makes a node of a host, with a token of its own.
    @discardableResult
    func join(_ host: JoiningHost, token: String? = nil) async throws -> APIAnswer {
        let secret = if let token { token } else { try await joinToken() }
        return try await callInternal(.post, "/v1/internal/join", key: secret, host.request)
    }

    /// Makes a node of a host that is new.
    func joinedHost() async throws -> JoiningHost {
        let host = try JoiningHost()
        let answer = try await join(host)
        #expect(answer.status == .ok, "\(answer)")
        return host
    }
}
