// SPDX-License-Identifier: Apache-2.0

package import Foundation
package import GantryModel
package import Postgres

/// An SSH public key in an environment.
package struct KeypairRecord: Sendable, Hashable {
    package var id: KeyID
    package var name: String
    package var environment: EnvironmentRecord
    package var publicKey: String
    package var fingerprint: String
    package var createdAt: Date
}

/// SSH public keys, always within one organization.
package struct KeypairStore: Sendable {
    private let database: Database

    package init(database: Database) {
        self.database = database
    }

    /// One page of them, oldest first.
    package func keypairs(in organization: OrganizationID, _ query: ListQuery) async throws -> Page<KeypairRecord> {
        try await database.read { transaction in
            let found = try transaction.query(
                """
                WITH matching AS (
                    SELECT k.id FROM key k JOIN environment e ON e.id = k.environment_id
                    WHERE e.organization_id = \(organization) AND (\(query.search)::text IS NULL
                        OR position(lower(\(query.search)::text) IN lower(k.name)) > 0)
                        AND (\(query.environments)::bigint[] IS NULL
                            OR k.environment_id = ANY (\(query.environments)::bigint[]))
                )
                SELECT (SELECT count(*) FROM matching) AS count, ARRAY(
                    SELECT id FROM matching ORDER BY id LIMIT \(query.limit)::bigint OFFSET \(query.offset)::bigint
                ) AS ids
                """
            )
            return try Page(found) { try Self.records($0, in: organization, transaction) }
        }
    }

    /// Adds a key to the environment of that name.
    ///
    /// - Throws: ``ResourceRefusal`` with `notFound` for the environment, `taken` for the key's name.
    package func add(
        _ key: SSHPublicKey,
        name: String,
        environment: String,
        in organization: OrganizationID
    ) async throws -> KeypairRecord {
        try await refusing(name) { transaction in
            let rows = try transaction.query(
                """
                INSERT INTO key (environment_id, name, public_key, fingerprint)
                SELECT id, \(name), \(key.text), \(key.fingerprint) FROM environment
                WHERE organization_id = \(organization) AND name = \(environment) RETURNING id
                """
            )
            guard let id: KeyID = try rows.first?["id"] else {
                throw ResourceRefusal.missing("environment_name", "environment", environment)
            }
            return try Self.record(id, in: organization, transaction)
        }
    }

    /// Machines that have the key keep it under its old name.
    ///
    /// - Throws: ``ResourceRefusal`` with `notFound` or `taken`.
    package func rename(_ id: KeyID, to name: String, in organization: OrganizationID) async throws -> KeypairRecord {
        try await refusing(name) { transaction in
            try transaction.execute(
                """
                UPDATE key SET name = \(name) FROM environment e
                WHERE key.id = \(id) AND e.id = key.environment_id AND e.organization_id = \(organization)
                """
            )
            return try Self.record(id, in: organization, transaction)
        }
    }

    /// Machines that have the key keep it.
    ///
    /// - Throws: ``ResourceRefusal`` with `notFound`.
    package func remove(_ id: KeyID, in organization: OrganizationID) async throws {
        let removed = try await database.transaction { transaction in
            try transaction.execute(
                """
                DELETE FROM key USING environment e
                WHERE key.id = \(id) AND e.id = key.environment_id AND e.organization_id = \(organization)
                """
            )
        }
        guard removed == 1 else { throw Self.notFound(id) }
    }

    private func refusing(
        _ name: String,
        _ body: @escaping @Sendable (Transaction) throws -> KeypairRecord
    ) async throws -> KeypairRecord {
        do {
            return try await database.transaction(body)
        } catch let error as PostgresError where error.isUniqueViolation("key_name_unique") {
            throw ResourceRefusal(.taken, "The environment has a key pair named “\(name)”; choose another name.")
        }
    }

    private static func record(
        _ id: KeyID,
        in organization: OrganizationID,
        _ transaction: Transaction
    ) throws -> KeypairRecord {
        guard let record = try records([id], in: organization, transaction).first else { throw notFound(id) }
        return record
    }

    private static func records(
        _ ids: [KeyID],
        in organization: OrganizationID,
        _ transaction: Transaction
    ) throws -> [KeypairRecord] {
        let rows = try transaction.query(
            """
            SELECT k.id, k.name, k.public_key, k.fingerprint, k.created_at, e.id AS environment_id,
                e.name AS environment, e.subnet, e.created_at AS environment_created_at, r.name AS region
            FROM key k JOIN environment e ON e.id = k.environment_id JOIN region r ON r.id = e.region_id
            WHERE k.id = ANY (\(ids)::bigint[]) AND e.organization_id = \(organization) ORDER BY k.id
            """
        )
        return try rows.map { row in
            try KeypairRecord(
                id: row["id"],
                name: row["name"],
                environment: EnvironmentRecord(
                    id: row["environment_id"],
                    name: row["environment"],
                    regionName: row["region"],
                    subnet: row["subnet"],
                    createdAt: row["environment_created_at"]
                ),
                publicKey: row["public_key"],
                fingerprint: row["fingerprint"],
                createdAt: row["created_at"]
            )
        }
    }

    private static func notFound(_ id: KeyID) -> ResourceRefusal {
        ResourceRefusal(.notFound, "Key pair \(id) does not exist.")
    }
}
