// SPDX-License-Identifier: Apache-2.0

package import Foundation
package import GantryModel
import Metrics
package import Postgres

/// A message that no node took.
package struct DeadLetterRecord: Sendable, Hashable {
    package var id: DeadLetterID
    /// The queue where it died.
    package var queue: String
    /// RabbitMQ's reason, such as `rejected` or `delivery_limit`, or `unroutable`.
    package var reason: String
    package var body: String
    package var createdAt: Date
}

/// The messages that were set aside, for operators.
package struct DeadLetterStore: Sendable {
    private let database: Database
    /// Made with the store, not with the first letter: one that begins at 1 has not risen for Prometheus.
    private let added = Counter(label: "gantry.dead_letters")

    /// Longer bodies are cut.
    private static let maximumBody = 256 << 10

    package init(database: Database) {
        self.database = database
    }

    /// Keeps a message; one that came before, by its id, is kept once.
    ///
    /// - Returns: whether it is new.
    @discardableResult
    package func add(messageID: String?, queue: String, reason: String, body: Data) async throws -> Bool {
        // PostgreSQL's text holds no NUL, and a message is anything.
        let text = String(decoding: body.prefix(Self.maximumBody), as: UTF8.self).replacing("\0", with: "\u{FFFD}")
        let isNew = try await database.transaction { transaction in
            try transaction.execute(
                """
                INSERT INTO dead_letter (message_id, queue, reason, body)
                VALUES (\(messageID), \(queue), \(reason), \(text)) ON CONFLICT (message_id) DO NOTHING
                """
            ) == 1
        }
        if isNew { added.increment() }
        return isNew
    }

    /// One page of them, newest first.
    package func letters(_ query: ListQuery = ListQuery(limit: 100)) async throws -> Page<DeadLetterRecord> {
        try await database.read { transaction in
            let count = try transaction.query("SELECT count(*) AS count FROM dead_letter").first
            let rows = try transaction.query(
                """
                SELECT id, queue, reason, body, created_at FROM dead_letter ORDER BY id DESC
                LIMIT \(query.limit)::bigint OFFSET \(query.offset)::bigint
                """
            )
            let letters = try rows.map { row in
                try DeadLetterRecord(
                    id: row["id"],
                    queue: row["queue"],
                    reason: row["reason"],
                    body: row["body"],
                    createdAt: row["created_at"]
                )
            }
            return Page(elements: letters, count: try count?["count"] ?? 0)
        }
    }

    /// Forgets a message.
    ///
    /// - Returns: whether there was one.
    package func remove(_ id: DeadLetterID) async throws -> Bool {
        try await database.transaction { try $0.execute("DELETE FROM dead_letter WHERE id = \(id)") == 1 }
    }
}
