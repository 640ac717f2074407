// SPDX-License-Identifier: Apache-2.0

public import GantryProtocol
import NIOHTTP1

extension APIClient {
    private static let joinTokens = "v1/admin/join-tokens"

    /// Creates what lets one host become a node; only this answer has the token itself.
    public func createJoinToken(_ body: CreateJoinTokenRequest) async throws(ClientError) -> Answer<JoinTokenBody> {
        try await call(.POST, Self.joinTokens, body)
    }

    /// The join tokens, newest first.
    public func joinTokens() async throws(ClientError) -> [JoinTokenBody] {
        let answer: PageAnswer<JoinTokenBody> = try await call(.GET, Self.joinTokens)
        return answer.contents
    }

    /// Makes a join token good for nothing.
    public func revokeJoinToken(_ id: Int64) async throws(ClientError) -> Answer<JoinTokenBody> {
        try await call(.DELETE, "\(Self.joinTokens)/\(id)")
    }
}
