// SPDX-License-Identifier: Apache-2.0

/// What lets one host become a node.
public struct JoinTokenBody: AnswerContent, Hashable {
    public static let singular = "join_token"
    public static let plural = "join_tokens"

    public var id: Int64
    /// The token itself, only in the answer that made it; what is kept is a digest.
    public var token: String?
    /// The region's name.
    public var region: String
    /// The only host that may use it; null for any.
    @Nullable public var hostname: String?
    /// `valid`, `used`, `revoked` or `expired`.
    public var state: String
    /// What the host became; null before, and when that node was removed.
    @Nullable public var node: String?
    @Nullable public var usedAt: Timestamp?
    public var expiresAt: Timestamp
    public var createdAt: Timestamp

    public init(
        id: Int64,
        token: String?,
        region: String,
        hostname: String?,
        state: String,
        node: String?,
        usedAt: Timestamp?,
        expiresAt: Timestamp,
        createdAt: Timestamp
    ) {
        (self.id, self.token, self.region, self.state) = (id, token, region, state)
        _hostname = Nullable(wrappedValue: hostname)
        _node = Nullable(wrappedValue: node)
        _usedAt = Nullable(wrappedValue: usedAt)
        (self.expiresAt, self.createdAt) = (expiresAt, createdAt)
    }

    private enum CodingKeys: String, CodingKey {
        case id
        case token
        case region
        case hostname
        case state
        case node
        case usedAt = "used_at"
        case expiresAt = "expires_at"
        case createdAt = "created_at"
    }
}

/// `POST /v1/admin/join-tokens`.
public struct CreateJoinTokenRequest: RequestFields, Hashable {
    /// The region's name.
    public var region: String
    /// The only host that may use it, as its kernel calls it.
    public var hostname: String?
    /// Seconds, 60 to 604800; nil for an hour.
    public var expiresIn: Int?

    public init(region: String, hostname: String? = nil, expiresIn: Int? = nil) {
        (self.region, self.hostname, self.expiresIn) = (region, hostname, expiresIn)
    }

    public enum CodingKeys: String, CodingKey, CaseIterable {
        case region
        case hostname
        case expiresIn = "expires_in"
    }
}
