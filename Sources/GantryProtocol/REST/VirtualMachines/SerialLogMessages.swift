// SPDX-License-Identifier: Apache-2.0

/// The body of `POST …/logs`.
public struct SerialLogRequest: RequestFields {
    /// How many lines, from the last one backwards; some if it is left out.
    public var length: Int?

    public init(length: Int? = nil) {
        self.length = length
    }

    public enum CodingKeys: String, CodingKey, CaseIterable {
        case length
    }
}

/// The answer to it: where the log will be.
public struct SerialLogRequestedAnswer: Codable, Sendable, Hashable {
    public var status = true
    public var message: String
    /// For `GET …/logs?request_id=`.
    public var requestID: Int64

    public init(message: String, requestID: Int64) {
        (self.message, self.requestID) = (message, requestID)
    }

    private enum CodingKeys: String, CodingKey {
        case status
        case message
        case requestID = "request_id"
    }
}

/// The answer to `GET …/logs`.
public struct SerialLogAnswer: Codable, Sendable, Hashable {
    /// False while the log is on its way.
    public var status: Bool
    public var message: String
    @Nullable public var logs: String?

    public init(message: String, logs: String?) {
        (status, self.message) = (logs != nil, message)
        _logs = Nullable(wrappedValue: logs)
    }
}
