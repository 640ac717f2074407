// SPDX-License-Identifier: Apache-2.0

public import GantryProtocol
import NIOHTTP1

extension APIClient {
    private static let users = "v1/admin/users"

    /// All users, or those of an organization or with something in their names, oldest first.
    public func users(search: String? = nil, organization: Int64? = nil) async throws(ClientError) -> [UserBody] {
        let query = ["search": search, "organization_id": organization.map { "\($0)" }]
        let answer: PageAnswer<UserBody> = try await call(.GET, Self.users, query: query)
        return answer.contents
    }

    public func user(_ id: Int64) async throws(ClientError) -> UserBody {
        let answer: Answer<UserBody> = try await call(.GET, "\(Self.users)/\(id)")
        return answer.content
    }

    /// Makes a user of an organization, or an operator.
    public func createUser(_ request: CreateUserRequest) async throws(ClientError) -> Answer<UserBody> {
        try await call(.POST, Self.users, request)
    }

    public func renameUser(_ id: Int64, to name: String) async throws(ClientError) -> Answer<UserBody> {
        try await call(.PUT, "\(Self.users)/\(id)", RenameRequest(name: name))
    }

    /// Deletes a user with all keys; what the user made stays.
    @discardableResult
    public func deleteUser(_ id: Int64) async throws(ClientError) -> StatusBody {
        try await call(.DELETE, "\(Self.users)/\(id)")
    }

    // MARK: - Their keys

    /// A user's keys, oldest first.
    public func apiKeys(of user: Int64) async throws(ClientError) -> [APIKeyBody] {
        let answer: PageAnswer<APIKeyBody> = try await call(.GET, "\(Self.users)/\(user)/api-keys")
        return answer.contents
    }

    /// Makes a user a key; only this answer has the key itself.
    public func createAPIKey(
        _ request: CreateAPIKeyRequest,
        of user: Int64
    ) async throws(ClientError) -> Answer<APIKeyBody> {
        try await call(.POST, "\(Self.users)/\(user)/api-keys", request)
    }

    /// Ends a user's key.
    @discardableResult
    public func deleteAPIKey(_ key: Int64, of user: Int64) async throws(ClientError) -> StatusBody {
        try await call(.DELETE, "\(Self.users)/\(user)/api-keys/\(key)")
    }
}
