// SPDX-License-Identifier: Apache-2.0

package import GantryModel
import Postgres

// What operators do with keys.

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
            return try Page(found) { try APIKeyRecord.records($0, transaction) }
        }
    }

    /// Makes a key.
    ///
    /// - Returns: what is known of it, and the key itself, which cannot be shown again.
    package func create(_ wanted: NewAPIKey, for user: UserID) async throws -> (record: APIKeyRecord, key: String) {
        let key = Secret.make(prefix: "gantry-")
        do {
            return (try await database.transaction { try Self.insert(wanted, key, for: user, $0) }, key)
        } catch let error as PostgresError where error.isForeignKeyViolation {
            throw UserStore.notFound(user)
        }
    }

    static func insert(
        _ wanted: NewAPIKey,
        _ key: String,
        for user: UserID,
        _ transaction: Transaction
    ) throws -> APIKeyRecord {
        let rows = try transaction.query(
            """
            INSERT INTO api_key (user_id, name, digest, description, role, environments, expires_at)
            VALUES (\(user), \(wanted.name), \(digest(of: key)), \(wanted.description), \(wanted.grant.role),
                \(wanted.grant.environments)::bigint[], \(wanted.grant.expiresAt))
            RETURNING id
            """
        )
        let made = try APIKeyRecord.records(try rows.map { try $0["id"] }, transaction)
        guard let record = made.first else { throw UserStore.notFound(user) }
        return record
    }

    /// Ends a key.
    package func remove(_ id: APIKeyID, of user: UserID) async throws {
        let removed = try await database.transaction {
            try $0.execute("DELETE FROM api_key WHERE id = \(id) AND user_id = \(user)")
        }
        guard removed == 1 else { throw ResourceRefusal(.notFound, "User \(user) has no API key \(id).") }
    }
}
