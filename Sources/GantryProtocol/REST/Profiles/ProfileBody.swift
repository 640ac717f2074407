// SPDX-License-Identifier: Apache-2.0

/// The configuration of machines, kept under a name.
public struct ProfileBody: AnswerContent, Hashable {
    public static let singular = "profile"
    public static let plural = "profiles"

    public var id: Int64
    public var name: String
    public var description: String
    /// A JSON object of texts, as text.
    public var data: String
    public var createdAt: Timestamp

    public init(id: Int64, name: String, description: String, data: String, createdAt: Timestamp) {
        (self.id, self.name, self.description) = (id, name, description)
        (self.data, self.createdAt) = (data, createdAt)
    }

    private enum CodingKeys: String, CodingKey {
        case id
        case name
        case description
        case data
        case createdAt = "created_at"
    }
}

/// `GET /v1/core/profiles`, which has no pages.
public struct ProfilesAnswer: Codable, Sendable, Hashable {
    public var status = true
    public var message: String
    public var profiles: [ProfileBody]

    public init(message: String, profiles: [ProfileBody]) {
        (self.message, self.profiles) = (message, profiles)
    }
}

/// `POST /v1/core/profiles`.
public struct CreateProfileRequest: RequestFields, Hashable {
    public var name: String
    public var description: String?
    public var data: [String: String]

    public init(name: String, description: String? = nil, data: [String: String]) {
        (self.name, self.description, self.data) = (name, description, data)
    }

    public enum CodingKeys: String, CodingKey, CaseIterable {
        case name
        case description
        case data
    }
}
