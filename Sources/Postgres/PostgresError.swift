// SPDX-License-Identifier: Apache-2.0

/// What went wrong with a statement or a connection. The text holds no parameter's value, so it is safe to log.
public struct PostgresError: Error, Hashable, Sendable, CustomStringConvertible {
    public enum Kind: Hashable, Sendable {
        /// No connection could be made, or it broke before the statement or COMMIT was sent.
        case connection
        /// The connection broke while COMMIT was under way: it may have happened or not.
        case outcomeUnknown
        /// The server refused, with this SQLSTATE.
        case server(sqlState: String)
        /// The answer is not what the caller asked to read.
        case decoding
    }

    public let kind: Kind
    /// The server's primary message or ours. Never its detail, which quotes values.
    public let message: String
    /// The constraint that was violated.
    public let constraint: String?

    public init(_ kind: Kind, _ message: String, constraint: String? = nil) {
        (self.kind, self.message, self.constraint) = (kind, message, constraint)
    }

    public var sqlState: String? {
        guard case .server(let state) = kind else { return nil }
        return state
    }

    /// Whether the same transaction may succeed when it is run again from its start.
    public var isRetriable: Bool {
        switch kind {
        case .connection: true
        case .outcomeUnknown, .decoding: false
        // serialization_failure, deadlock_detected, and a prepared statement that a migration made stale.
        case .server(let state): ["40001", "40P01", "0A000"].contains(state)
        }
    }

    /// Whether this is a unique violation, of the named constraint or unique index where one is named.
    public func isUniqueViolation(_ constraint: String? = nil) -> Bool {
        sqlState == "23505" && (constraint == nil || constraint == self.constraint)
    }

    /// Whether a row that is referred to is not there, or one that is to go is referred to.
    public var isForeignKeyViolation: Bool { sqlState == "23503" }

    /// Whether a row breaks a CHECK of its table.
    public var isCheckViolation: Bool { sqlState == "23514" }

    /// Whether a row breaks an exclusion constraint of its table.
    public var isExclusionViolation: Bool { sqlState == "23P01" }

    public var description: String {
        let state = sqlState.map { " (SQLSTATE \($0))" } ?? ""
        return "PostgreSQL: \(message)\(state)"
    }
}
