// SPDX-License-Identifier: Apache-2.0

import DedicatedThread

/// One place of the pool: a thread, and a session on it while there is one.
actor Connection {
    private let thread: DedicatedThread
    private let configuration: DatabaseConfiguration
    private var session: Session?

    nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe thread.asUnownedSerialExecutor() }

    init(_ configuration: DatabaseConfiguration) {
        self.configuration = configuration
        thread = DedicatedThread(name: "postgres")
    }

    /// Runs `body` between BEGIN and COMMIT, in isolation level read committed.
    func transaction<Value: Sendable>(_ body: @Sendable (Transaction) throws -> Value) throws -> Value {
        try use { session in
            let value: Value
            do {
                value = try body(Transaction(session, begins: true))
            } catch {
                if session.isUsable && session.isInTransaction { try? session.script("ROLLBACK") }
                throw error
            }
            guard session.isInTransaction else { return value }
            do {
                try session.script("COMMIT")
            } catch let error as PostgresError where error.kind == .connection {
                throw PostgresError(.outcomeUnknown, "the connection broke during COMMIT: \(error.message)")
            }
            return value
        }
    }

    /// Runs `body` without a transaction block: each statement is its own.
    func read<Value: Sendable>(_ body: @Sendable (Transaction) throws -> Value) throws -> Value {
        try use { session in try body(Transaction(session, begins: false)) }
    }

    /// Runs statements as one transaction, in one round trip.
    func atomically(_ statements: [SQL]) throws -> [QueryResult] {
        try use { session in try session.run(statements) }
    }

    /// Waits for notifications on a channel, listening first where it does not yet.
    func notifications(channel: String, timeout: Int32) throws -> [String] {
        let isNew = session == nil
        return try use { session in
            if isNew {
                try session.script("LISTEN \"\(channel.replacing("\"", with: "\"\""))\"")
                // Whatever was sent while nobody listened counts as one.
                return [channel]
            }
            return try session.notifications(timeout: timeout)
        }
    }

    func close() {
        session = nil
    }

    private func use<Value>(_ body: (Session) throws -> Value) throws -> Value {
        let session = try self.session ?? Session(configuration)
        self.session = session
        defer {
            // A broken session, or one whose ROLLBACK failed, is not used again.
            if !session.isUsable || session.isInTransaction { self.session = nil }
        }
        do {
            return try body(session)
        } catch let error as PostgresError where error.sqlState == "0A000" {
            self.session = nil
            throw error
        }
    }
}
