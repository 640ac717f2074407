// SPDX-License-Identifier: Apache-2.0

/// What went wrong between us and the broker.
public struct AMQPError: Error, Hashable, Sendable, CustomStringConvertible {
    public enum Kind: Hashable, Sendable {
        /// No connection, or it broke.
        case connection
        /// The broker did not answer in time.
        case timeout
        /// The broker closed the channel or connection with this reply code (AMQP 0-9-1, section 1.2).
        case refused(code: Int)
        /// The configuration cannot be used.
        case configuration
    }

    public let kind: Kind
    public let message: String

    init(_ kind: Kind, _ message: String) {
        (self.kind, self.message) = (kind, message)
    }

    /// Whether the same may succeed when it is tried again later.
    public var isRetriable: Bool {
        switch kind {
        case .connection, .timeout: true
        // connection-forced, internal-error, resource-error: the broker's own trouble.
        case .refused(let code): [320, 506, 541].contains(code)
        case .configuration: false
        }
    }

    public var description: String {
        if case .refused(let code) = kind { return "RabbitMQ refused (\(code)): \(message)" }
        return "RabbitMQ: \(message)"
    }
}
