// SPDX-License-Identifier: Apache-2.0

/// The answer to what has nothing to show: whether it was accepted, and a sentence.
public struct StatusBody: Codable, Sendable, Hashable {
    public var status: Bool
    public var message: String

    public init(status: Bool = true, message: String) {
        (self.status, self.message) = (status, message)
    }
}

/// The answer to what was refused or failed.
public struct ErrorBody: Codable, Sendable, Hashable {
    /// Always false.
    public var status: Bool
    /// What is wrong and what would be right. Its text may change.
    public var message: String
    /// A stable code, such as `not_found`.
    public var errorReason: String

    public init(message: String, errorReason: String) {
        (status, self.message, self.errorReason) = (false, message, errorReason)
    }

    private enum CodingKeys: String, CodingKey {
        case status
        case message
        case errorReason = "error_reason"
    }
}

/// Whether a new thing could have a name.
public struct NameAvailabilityBody: Codable, Sendable, Hashable {
    public var name: String
    public var available: Bool
    public var message: String

    public init(name: String, available: Bool) {
        (self.name, self.available) = (name, available)
        message = available ? "This name is available" : "This name is already in use"
    }
}
