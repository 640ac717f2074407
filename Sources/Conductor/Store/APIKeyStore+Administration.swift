// SPDX-License-Identifier: Apache-2.0

package import Foundation
package import GantryModel
import Postgres

/// What is known of a key, which is not the key.
package struct APIKeyRecord: Sendable, Hashable {
    package var id: APIKeyID
    package var name: String
    /// Nil for one without an end.
    package var expiresAt: Date?
    package var createdAt: Date
}

extension APIKeyStore {
    /// A user's keys, oldest first.
    ///
    /// - Throws: ``ResourceRefusal`` with `notFound` for an unknown user, as all that follow.
    package func keys(of user: UserID, _ query: ListQuery) async throws -> Page<APIKeyRecord> {
        try await database.read { transaction in
            let found = try transaction.query(
                """
                SELECT (SELECT count(*) FROM api_key WHERE user_id = u.id) AS count, ARRAY(
                    SELECT id FROM api_key WHERE user_id = u.id
                    ORDER BY id LIMIT \(query.limit)::bigint OFFSET \(query.offset)::bigint
                ) AS ids
                FROM user_account u WHERE u.id = \(user)
                """
            )
            guard !found.isEmpty else { throw UserStore.notFound(user) }
            return try Page(found) { (ids: [APIKeyID]) in
                let rows = try transaction.query(
                    """
                    SELECT id, name, expires_at, created_at FROM api_key WHERE id = ANY (\(ids)::bigint[]) ORDER BY id
                    """
                )
                return try rows.map(Self.record)
            }
        }
    }

    /// Makes a key.
    ///
    /// - Returns: what is known of it, and the key itself, which cannot be shown again.
    package func create(
        name: String,
        expiresAt: Date?,
        for user: UserID
    ) async throws -> (record: APIKeyRecord, key: String) {
        let key = Secret.make(prefix: "gantry-")
        do {
            let record = try await database.transaction { transaction in
                let rows = try transaction.query(
                    """
                    INSERT INTO api_key (user_id, name, digest, expires_at)
                    VALUES (\(user), \(name), \(Self.digest(of: key)), \(expiresAt))
                    RETURNING id, name, expires_at, created_at
                    """
                )
                return try rows.map(Self.record)
            }
            guard let made = record.first else { throw UserStore.notFound(user) }
            return (made, key)
        } catch let error as PostgresError where error.isForeignKeyViolation {
            throw UserStore.notFound(user)
        }
    }

    /// Ends a key.
    package func remove(_ id: APIKeyID, of user: UserID) async throws {
        let removed = try await database.transaction {
            try $0.execute("DELETE FROM api_key WHERE id = \(id) AND user_id = \(user)")
        }
        guard removed == 1 else { throw ResourceRefusal(.notFound, "User \(user) has no API key \(id).") }
    }

    private static func record(_ row: Row) throws -> APIKeyRecord {
        try APIKeyRecord(
            id: row["id"],
            name: row["name"],
            expiresAt: row["expires_at"],
            createdAt: row["created_at"]
        )
    }
}
