// SPDX-License-Identifier: Apache-2.0

package import Foundation
package import GantryModel
package import Postgres

/// A user of an organization, or an operator.
package struct UserRecord: Sendable, Hashable {
    package struct Organization: Sendable, Hashable {
        package var id: OrganizationID
        package var name: String
    }

    package var id: UserID
    package var name: String
    /// Nil for an operator.
    package var organization: Organization?
    package var keyCount: Int
    package var createdAt: Date
}

/// The users, for operators.
package struct UserStore: Sendable {
    private let database: Database

    package init(database: Database) {
        self.database = database
    }

    /// One page of all users, or of one organization's, oldest first.
    package func users(_ query: ListQuery, of organization: OrganizationID? = nil) async throws -> Page<UserRecord> {
        try await database.read { transaction in
            let found = try transaction.query(
                """
                WITH matching AS (
                    SELECT id FROM user_account
                    WHERE (\(organization)::bigint IS NULL OR organization_id = \(organization)::bigint)
                        AND (\(query.search)::text IS NULL
                            OR position(lower(\(query.search)::text) IN lower(name)) > 0)
                )
                SELECT (SELECT count(*) FROM matching) AS count, ARRAY(
                    SELECT id FROM matching ORDER BY id LIMIT \(query.limit)::bigint OFFSET \(query.offset)::bigint
                ) AS ids
                """
            )
            return try Page(found) { try Self.records($0, transaction) }
        }
    }

    /// - Throws: ``ResourceRefusal`` with `notFound`, as all that follow.
    package func user(_ id: UserID) async throws -> UserRecord {
        try await database.read { try Self.record(id, $0) }
    }

    /// Makes a user of an organization, or an operator.
    ///
    /// - Throws: ``ResourceRefusal`` with `taken`.
    package func create(name: String, of organization: OrganizationID?) async throws -> UserRecord {
        try await refusing(name) { transaction in
            let rows = try transaction.query(
                """
                INSERT INTO user_account (organization_id, name) VALUES (\(organization), \(name)) RETURNING id
                """
            )
            return try rows.first?["id"]
        }
    }

    /// - Throws: ``ResourceRefusal`` with `taken`.
    package func rename(_ id: UserID, to name: String) async throws -> UserRecord {
        try await refusing(name) { transaction in
            try transaction.execute("UPDATE user_account SET name = \(name) WHERE id = \(id)") == 1 ? id : nil
        }
    }

    /// Removes a user and the keys; what the user made stays.
    package func remove(_ id: UserID) async throws {
        let removed = try await database.transaction { try $0.execute("DELETE FROM user_account WHERE id = \(id)") }
        guard removed == 1 else { throw Self.notFound(id) }
    }

    private func refusing(
        _ name: String,
        _ body: @escaping @Sendable (Transaction) throws -> UserID?
    ) async throws -> UserRecord {
        do {
            return try await database.transaction { transaction in
                guard let id = try body(transaction) else {
                    throw ResourceRefusal(.notFound, "The user does not exist.")
                }
                return try Self.record(id, transaction)
            }
        } catch let error as PostgresError where error.isUniqueViolation() {
            throw ResourceRefusal(.taken, "There is a user named “\(name)” there; choose another name.")
        } catch let error as PostgresError where error.isForeignKeyViolation {
            throw ResourceRefusal(.notFound, "organization_id: there is no such organization.")
        }
    }

    private static func record(_ id: UserID, _ transaction: Transaction) throws -> UserRecord {
        guard let record = try records([id], transaction).first else { throw notFound(id) }
        return record
    }

    private static func records(_ ids: [UserID], _ transaction: Transaction) throws -> [UserRecord] {
        let rows = try transaction.query(
            """
            SELECT u.id, u.name, u.created_at, u.organization_id, o.name AS organization,
                (SELECT count(*) FROM api_key k WHERE k.user_id = u.id) AS keys
            FROM user_account u LEFT JOIN organization o ON o.id = u.organization_id
            WHERE u.id = ANY (\(ids)::bigint[]) ORDER BY u.id
            """
        )
        return try rows.map { row in
            let organization: OrganizationID? = try row["organization_id"]
            return try UserRecord(
                id: row["id"],
                name: row["name"],
                organization: organization.map { UserRecord.Organization(id: $0, name: try row["organization"]) },
                keyCount: row["keys"],
                createdAt: row["created_at"]
            )
        }
    }

    static func notFound(_ id: UserID) -> ResourceRefusal {
        ResourceRefusal(.notFound, "User \(id) does not exist.")
    }
}
