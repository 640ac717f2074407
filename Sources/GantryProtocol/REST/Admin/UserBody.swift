// SPDX-License-Identifier: Apache-2.0

/// Somebody, or some program, that comes with keys.
public struct UserBody: AnswerContent, Hashable {
    public static let singular = "user"
    public static let plural = "users"

    public var id: Int64
    public var name: String
    /// Null for an operator.
    @Nullable public var organization: OrganizationReference?
    public var apiKeyCount: Int
    public var createdAt: Timestamp

    public init(
        id: Int64,
        name: String,
        organization: OrganizationReference?,
        apiKeyCount: Int,
        createdAt: Timestamp
    ) {
        (self.id, self.name) = (id, name)
        _organization = Nullable(wrappedValue: organization)
        (self.apiKeyCount, self.createdAt) = (apiKeyCount, createdAt)
    }

    private enum CodingKeys: String, CodingKey {
        case id
        case name
        case organization
        case apiKeyCount = "api_key_count"
        case createdAt = "created_at"
    }
}

/// Which organization something belongs to.
public struct OrganizationReference: Codable, Sendable, Hashable {
    public var id: Int64
    public var name: String

    public init(id: Int64, name: String) {
        (self.id, self.name) = (id, name)
    }
}

/// `POST /v1/admin/users`.
public struct CreateUserRequest: RequestFields, Hashable {
    public var name: String
    /// Nil makes an operator.
    public var organizationID: Int64?

    public init(name: String, organizationID: Int64?) {
        (self.name, self.organizationID) = (name, organizationID)
    }

    public enum CodingKeys: String, CodingKey, CaseIterable {
        case name
        case organizationID = "organization_id"
    }
}
