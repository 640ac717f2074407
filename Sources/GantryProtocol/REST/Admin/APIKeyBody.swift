// SPDX-License-Identifier: Apache-2.0

/// A key by which a user comes in.
public struct APIKeyBody: AnswerContent, Hashable {
    public static let singular = "api_key"
    public static let plural = "api_keys"

    public var id: Int64
    public var name: String
    /// The key itself, only in the answer that made it; what is kept is a digest.
    public var key: String?
    /// Null for one without an end.
    @Nullable public var expiresAt: Timestamp?
    public var createdAt: Timestamp

    public init(id: Int64, name: String, key: String?, expiresAt: Timestamp?, createdAt: Timestamp) {
        (self.id, self.name, self.key) = (id, name, key)
        _expiresAt = Nullable(wrappedValue: expiresAt)
        self.createdAt = createdAt
    }

    private enum CodingKeys: String, CodingKey {
        case id
        case name
        case key
        case expiresAt = "expires_at"
        case createdAt = "created_at"
    }
}

/// `POST /v1/admin/users/{id}/api-keys`.
public struct CreateAPIKeyRequest: RequestFields, Hashable {
    public var name: String
    /// Nil for a key without an end.
    public var expiresAt: Timestamp?

    public init(name: String, expiresAt: Timestamp? = nil) {
        (self.name, self.expiresAt) = (name, expiresAt)
    }

    public enum CodingKeys: String, CodingKey, CaseIterable {
        case name
        case expiresAt = "expires_at"
    }
}
