// SPDX-License-Identifier: Apache-2.0

/// What an organization's callbacks are signed with.
public struct CallbackSecretBody: AnswerContent, Hashable {
    public static let singular = "callback_secret"
    public static let plural = "callback_secrets"

    /// `whsec_` and base64; only in the answer that makes it.
    public var secret: String?
    public var createdAt: Timestamp
    /// Those before it that still sign beside it, newest first.
    public var previous: [Previous]

    public init(secret: String?, createdAt: Timestamp, previous: [Previous]) {
        (self.secret, self.createdAt, self.previous) = (secret, createdAt, previous)
    }

    private enum CodingKeys: String, CodingKey {
        case secret
        case createdAt = "created_at"
        case previous
    }

    public struct Previous: Codable, Sendable, Hashable {
        public var createdAt: Timestamp
        /// When it signs no more.
        public var expiresAt: Timestamp

        public init(createdAt: Timestamp, expiresAt: Timestamp) {
            (self.createdAt, self.expiresAt) = (createdAt, expiresAt)
        }

        private enum CodingKeys: String, CodingKey {
            case createdAt = "created_at"
            case expiresAt = "expires_at"
        }
    }
}
