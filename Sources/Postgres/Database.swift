// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// A PostgreSQL database, over a bounded pool of connections that are made when they are needed.
public final class Database: Sendable {
    private let pool: Pool
    public let configuration: DatabaseConfiguration

    /// How often a transaction is run when it fails for a reason that passes.
    private static let maximumAttempts = 5

    public init(_ configuration: DatabaseConfiguration) {
        self.configuration = configuration
        pool = Pool(configuration)
    }

    /// Runs `body` in one transaction of isolation level read committed.
    ///
    /// After a deadlock, a serialization failure or a connection lost before COMMIT, `body` runs again from its start,
    /// so it may have no effect but through its transaction.
    ///
    /// - Throws: What `body` throws, after a rollback; ``PostgresError`` with `outcomeUnknown` when the connection
    ///   broke during COMMIT.
    @discardableResult
    public func transaction<Value: Sendable>(
        _ body: @escaping @Sendable (Transaction) throws -> Value
    ) async throws -> Value {
        try await retrying { connection in try await connection.transaction(body) }
    }

    /// Runs reading statements, each on its own; like a transaction otherwise.
    @discardableResult
    public func read<Value: Sendable>(
        _ body: @escaping @Sendable (Transaction) throws -> Value
    ) async throws -> Value {
        try await retrying { connection in try await connection.read(body) }
    }

    /// Runs statements as one transaction, in one round trip.
    ///
    /// They run again when the connection breaks, also when they may have been carried out: they have to be such that
    /// it does no harm.
    ///
    /// - Parameters:
    ///   - statements: None needs what another answers.
    ///   - durably: Whether to wait until they are on disk. Otherwise a crash of the server in the next moments may undo
    ///     them, whole (PostgreSQL manual, 30.4).
    /// - Returns: A result for each.
    /// - Throws: ``PostgresError`` of the first that failed; then none of them was carried out.
    @discardableResult
    public func atomically(_ statements: [SQL], durably: Bool = true) async throws -> [QueryResult] {
        let settings: [SQL] = durably ? [] : ["SELECT set_config('synchronous_commit', 'off', true)"]
        let results = try await retrying { connection in try await connection.atomically(settings + statements) }
        return Array(results.dropFirst(settings.count))
    }

    /// Yields whenever somebody notified the channel, and after each reconnect, since some may have been missed then.
    ///
    /// It holds a connection of its own until the stream's consumer ends.
    public func notifications(channel: String) -> AsyncStream<Void> {
        AsyncStream(bufferingPolicy: .bufferingNewest(1)) { continuation in
            let connection = Connection(configuration)
            let task = Task {
                while !Task.isCancelled {
                    do {
                        if try await !connection.notifications(channel: channel, timeout: 1000).isEmpty {
                            continuation.yield()
                        }
                    } catch {
                        await connection.close()
                        try? await Task.sleep(for: .seconds(1))
                    }
                }
            }
            continuation.onTermination = { _ in task.cancel() }
        }
    }

    private func retrying<Value: Sendable>(
        _ work: @Sendable (Connection) async throws -> Value
    ) async throws -> Value {
        var attempt = 1
        while true {
            do {
                return try await pool.withConnection(work)
            } catch let error as PostgresError where error.isRetriable && attempt < Self.maximumAttempts {
                let bound = 10 << attempt
                try await Task.sleep(for: .milliseconds(Int.random(in: bound / 2...bound)))
                attempt += 1
            }
        }
    }
}
