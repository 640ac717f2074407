// SPDX-License-Identifier: Apache-2.0

/// `POST …/attach-callback` and `PUT …/update-callback`.
public struct AttachCallbackRequest: RequestFields, Hashable {
    /// Used byte for byte.
    public var url: String

    public init(url: String) {
        self.url = url
    }

    public enum CodingKeys: String, CodingKey, CaseIterable {
        case url
    }
}

/// The answer to both.
public struct AttachCallbackAnswer: Codable, Sendable, Hashable {
    public var status = true
    public var message: String
    public var url: String

    public init(message: String, url: String) {
        (self.message, self.url) = (message, url)
    }
}
