// SPDX-License-Identifier: Apache-2.0

public import GantryProtocol
import NIOHTTP1

extension APIClient {
    private static let keys = "v1/api-key"

    /// The caller's keys; an owner's are those of all users of the organization.
    public func ownAPIKeys() async throws(ClientError) -> [APIKeyBody] {
        let answer: APIKeysAnswer = try await call(.GET, Self.keys)
        return answer.apiKeys
    }

    /// Makes a key that is no stronger than the caller's; only this answer has the key itself.
    public func generateAPIKey(_ request: GenerateAPIKeyRequest) async throws(ClientError) -> Answer<APIKeyBody> {
        try await call(.POST, "\(Self.keys)/generate", request)
    }

    /// Changes a key; what is left out stays.
    public func updateAPIKey(
        _ id: Int64,
        _ request: UpdateAPIKeyRequest
    ) async throws(ClientError) -> Answer<APIKeyBody> {
        try await call(.PUT, "\(Self.keys)/\(id)", request)
    }

    /// Ends a key.
    @discardableResult
    public func deleteOwnAPIKey(_ id: Int64) async throws(ClientError) -> StatusBody {
        try await call(.DELETE, "\(Self.keys)/\(id)")
    }
}
