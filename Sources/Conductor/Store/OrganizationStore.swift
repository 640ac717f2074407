// SPDX-License-Identifier: Apache-2.0

package import Foundation
package import GantryModel
package import Postgres

/// A tenant, with how much stands on it.
package struct OrganizationRecord: Sendable, Hashable {
    package var id: OrganizationID
    package var name: String
    package var userCount: Int
    package var environmentCount: Int
    package var machineCount: Int
    package var createdAt: Date
}

/// The tenants, for operators.
package struct OrganizationStore: Sendable {
    private let database: Database

    package init(database: Database) {
        self.database = database
    }

    /// One page of them, oldest first.
    package func organizations(_ query: ListQuery) async throws -> Page<OrganizationRecord> {
        try await database.read { transaction in
            let found = try transaction.query(
                """
                WITH matching AS (
                    SELECT id FROM organization
                    WHERE \(query.search)::text IS NULL OR position(lower(\(query.search)::text) IN lower(name)) > 0
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
    package func organization(_ id: OrganizationID) async throws -> OrganizationRecord {
        try await database.read { try Self.record(id, $0) }
    }

    /// - Throws: ``ResourceRefusal`` with `taken`.
    package func create(name: String) async throws -> OrganizationRecord {
        try await refusing(name) { transaction in
            let rows = try transaction.query("INSERT INTO organization (name) VALUES (\(name)) RETURNING id")
            return try rows.first?["id"]
        }
    }

    /// - Throws: ``ResourceRefusal`` with `taken`.
    package func rename(_ id: OrganizationID, to name: String) async throws -> OrganizationRecord {
        try await refusing(name) { transaction in
            try transaction.execute("UPDATE organization SET name = \(name) WHERE id = \(id)") == 1 ? id : nil
        }
    }

    /// Removes one that has no environments, with its users and their keys.
    ///
    /// - Throws: ``ResourceRefusal`` with `inUse`.
    package func remove(_ id: OrganizationID) async throws {
        try await database.transaction { transaction in
            // Under the lock no environment, user or machine can be added to it.
            let locked = try transaction.query("SELECT name FROM organization WHERE id = \(id) FOR UPDATE")
            guard let name: String = try locked.first?["name"] else { throw Self.notFound(id) }
            let record = try Self.record(id, transaction)
            guard record.environmentCount == 0 else {
                throw ResourceRefusal(
                    .inUse,
                    "Organization “\(name)” has \(record.environmentCount) environments and \(record.machineCount) "
                        + "virtual machines; delete them first."
                )
            }
            let kept = try transaction.query(
                """
                SELECT (SELECT count(*) FROM snapshot WHERE organization_id = \(id) AND (deleted_at IS NULL OR bytes > 0))
                    + (SELECT count(*) FROM image WHERE organization_id = \(id) AND listed AND deleted_at IS NULL) AS count
                """
            )
            guard try kept.first?["count"] == 0 else {
                throw ResourceRefusal(
                    .inUse,
                    "Organization “\(name)” has snapshots or images of its own; delete them, and wait until their files are "
                        + "gone."
                )
            }
            // Volumes and machines without an environment are deleted ones that are kept for their history.
            try transaction.execute("DELETE FROM volume WHERE organization_id = \(id)")
            try transaction.execute("DELETE FROM virtual_machine WHERE organization_id = \(id)")
            // Each names the other.
            try transaction.execute("UPDATE image SET snapshot_id = NULL WHERE organization_id = \(id)")
            try transaction.execute("DELETE FROM snapshot WHERE organization_id = \(id)")
            try transaction.execute("DELETE FROM image WHERE organization_id = \(id)")
            try transaction.execute("DELETE FROM user_account WHERE organization_id = \(id)")
            try transaction.execute("DELETE FROM organization WHERE id = \(id)")
        }
    }

    private func refusing(
        _ name: String,
        _ body: @escaping @Sendable (Transaction) throws -> OrganizationID?
    ) async throws -> OrganizationRecord {
        do {
            return try await database.transaction { transaction in
                guard let id = try body(transaction) else {
                    throw ResourceRefusal(.notFound, "The organization does not exist.")
                }
                return try Self.record(id, transaction)
            }
        } catch let error as PostgresError where error.isUniqueViolation("organization_name_key") {
            throw ResourceRefusal(.taken, "There is an organization named “\(name)”; choose another name.")
        }
    }

    private static func record(_ id: OrganizationID, _ transaction: Transaction) throws -> OrganizationRecord {
        guard let record = try records([id], transaction).first else { throw notFound(id) }
        return record
    }

    private static func records(_ ids: [OrganizationID], _ transaction: Transaction) throws -> [OrganizationRecord] {
        let rows = try transaction.query(
            """
            SELECT o.id, o.name, o.created_at,
                (SELECT count(*) FROM user_account u WHERE u.organization_id = o.id) AS users,
                (SELECT count(*) FROM environment e WHERE e.organization_id = o.id) AS environments,
                (SELECT count(*) FROM virtual_machine vm
                 WHERE vm.organization_id = o.id AND vm.deleted_at IS NULL) AS machines
            FROM organization o WHERE o.id = ANY (\(ids)::bigint[]) ORDER BY o.id
            """
        )
        return try rows.map { row in
            try OrganizationRecord(
                id: row["id"],
                name: row["name"],
                userCount: row["users"],
                environmentCount: row["environments"],
                machineCount: row["machines"],
                createdAt: row["created_at"]
            )
        }
    }

    private static func notFound(_ id: OrganizationID) -> ResourceRefusal {
        ResourceRefusal(.notFound, "Organization \(id) does not exist.")
    }
}
