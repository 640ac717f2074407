// SPDX-License-Identifier: Apache-2.0

/// `POST /v1/api-key/generate`. What is left out is as in the key of the request.
public struct GenerateAPIKeyRequest: RequestFields, Hashable {
    public var name: String
    public var description: String?
    public var role: String?
    /// By their names.
    public var environments: [String]?
    public var expiresAt: Timestamp?
    /// Whose key it is to be; nil for the caller's own.
    public var userID: Int64?

    public init(
        name: String,
        description: String? = nil,
        role: String? = nil,
        environments: [String]? = nil,
        expiresAt: Timestamp? = nil,
        userID: Int64? = nil
    ) {
        (self.name, self.description, self.role) = (name, description, role)
        (self.environments, self.expiresAt, self.userID) = (environments, expiresAt, userID)
    }

    public enum CodingKeys: String, CodingKey, CaseIterable {
        case name
        case description
        case role
        case environments
        case expiresAt = "expires_at"
        case userID = "user_id"
    }
}

/// `PUT /v1/api-key/{id}`. What is left out stays.
public struct UpdateAPIKeyRequest: RequestFields, Hashable {
    public var name: String
    public var description: String?
    public var role: String?
    /// By their names.
    public var environments: [String]?
    public var expiresAt: Timestamp?

    public init(
        name: String,
        description: String? = nil,
        role: String? = nil,
        environments: [String]? = nil,
        expiresAt: Timestamp? = nil
    ) {
        (self.name, self.description, self.role) = (name, description, role)
        (self.environments, self.expiresAt) = (environments, expiresAt)
    }

    public enum CodingKeys: String, CodingKey, CaseIterable {
        case name
        case description
        case role
        case environments
        case expiresAt = "expires_at"
    }
}

/// `GET /v1/api-key`.
public struct APIKeysAnswer: Codable, Sendable, Hashable {
    public var status = true
    public var message: String
    public var apiKeys: [APIKeyBody]

    public init(message: String, apiKeys: [APIKeyBody]) {
        (self.message, self.apiKeys) = (message, apiKeys)
    }

    private enum CodingKeys: String, CodingKey {
        case status
        case message
        case apiKeys = "api_keys"
    }
}
