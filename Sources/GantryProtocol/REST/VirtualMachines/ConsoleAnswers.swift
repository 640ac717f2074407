// SPDX-License-Identifier: Apache-2.0

/// The answer to `GET …/request-console`.
public struct ConsoleRequestedAnswer: Codable, Sendable, Hashable {
    public var status = true
    public var message: String
    /// A path below the API's own.
    public var url: String

    public init(message: String, url: String) {
        (self.message, self.url) = (message, url)
    }
}

/// The answer to `GET …/console/{id}`.
public struct ConsoleAnswer: Codable, Sendable, Hashable {
    public struct Content: Codable, Sendable, Hashable {
        public var id: Int64
        /// For a browser. It opens once.
        public var vncURL: String

        private enum CodingKeys: String, CodingKey {
            case id
            case vncURL = "vnc_url"
        }
    }

    public var status = true
    public var message = "Getting VNC console URL successful"
    public var vncURL: Content

    public init(id: Int64, url: String) {
        vncURL = Content(id: id, vncURL: url)
    }

    private enum CodingKeys: String, CodingKey {
        case status
        case message
        case vncURL = "vnc_url"
    }
}
