// SPDX-License-Identifier: Apache-2.0

/// A key by which a user comes in.
public struct APIKeyBody: AnswerContent, Hashable {
    public static let singular = "api_key"
    public static let plural = "api_keys"

    public struct User: Codable, Sendable, Hashable {
        public var id: Int64
        public var name: String

        public init(id: Int64, name: String) {
            (self.id, self.name) = (id, name)
        }
    }

    public var id: Int64
    public var name: String
    public var description: String
    /// The key itself, only in the answer that made it; what is kept is a digest.
    public var key: String?
    /// `owner`, `member` or `read-only`.
    public var role: String
    /// The names of the only environments that it reaches; null for all.
    @Nullable public var environments: [String]?
    public var user: User
    /// Null for one without an end.
    @Nullable public var expiresAt: Timestamp?
    /// To the hour; null for a key that was never used.
    @Nullable public var lastUsedAt: Timestamp?
    public var createdAt: Timestamp

    public init(
        id: Int64,
        name: String,
        description: String,
        key: String?,
        role: String,
        environments: [String]?,
        user: User,
        expiresAt: Timestamp?,
        lastUsedAt: Timestamp?,
        createdAt: Timestamp
    ) {
        (self.id, self.name, self.description, self.key) = (id, name, description, key)
        (self.role, self.user) = (role, user)
        _environments = Nullable(wrappedValue: environments)
        _expiresAt = Nullable(wrappedValue: expiresAt)
        _lastUsedAt = Nullable(wrappedValue: lastUsedAt)
        self.createdAt = createdAt
    }

    private enum CodingKeys: String, CodingKey {
        case id
        case name
        case description
        case key
        case role
        case environments
        case user
        case expiresAt = "expires_at"
        case lastUsedAt = "last_used_at"
        case createdAt = "created_at"
    }
}

/// `POST /v1/admin/users/{id}/api-keys`.
public struct CreateAPIKeyRequest: RequestFields, Hashable {
    public var name: String
    /// `owner` where it is nil.
    public var role: String?
    /// Nil for a key without an end.
    public var expiresAt: Timestamp?

    public init(name: String, role: String? = nil, expiresAt: Timestamp? = nil) {
        (self.name, self.role, self.expiresAt) = (name, role, expiresAt)
    }

    public enum CodingKeys: String, CodingKey, CaseIterable {
        case name
        case role
        case expiresAt = "expires_at"
    }
}
