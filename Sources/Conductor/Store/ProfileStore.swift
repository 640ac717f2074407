// SPDX-License-Identifier: Apache-2.0

package import Foundation
package import GantryModel
package import Postgres

/// The configuration of machines, kept under a name.
package struct ProfileRecord: Sendable, Hashable {
    package var id: ProfileID
    package var name: String
    package var description: String
    /// JSON.
    package var data: String
    package var createdAt: Date
}

/// A profile that is to be made.
package struct NewProfile: Sendable, Hashable {
    package var name: String
    package var description: String
    /// JSON.
    package var data: String

    package init(name: String, description: String = "", data: String) {
        (self.name, self.description, self.data) = (name, description, data)
    }

    /// Writes it; of a name that is taken nothing, and `profile_name_unique` says so.
    func insertion(for organization: OrganizationID) -> SQL {
        """
        INSERT INTO profile (organization_id, name, description, data)
        VALUES (\(organization), \(name), \(description), \(data)) RETURNING id, name, description, data, created_at
        """
    }
}

/// Profiles, always within one organization.
package struct ProfileStore: Sendable {
    private let database: Database

    package init(database: Database) {
        self.database = database
    }

    /// All of them, oldest first.
    package func profiles(in organization: OrganizationID) async throws -> [ProfileRecord] {
        try await database.read { transaction in
            let rows = try transaction.query(
                """
                SELECT id, name, description, data, created_at FROM profile
                WHERE organization_id = \(organization) ORDER BY id
                """
            )
            return try rows.map(Self.record)
        }
    }

    /// - Throws: ``ResourceRefusal`` with `notFound`.
    package func profile(_ id: ProfileID, in organization: OrganizationID) async throws -> ProfileRecord {
        let rows = try await database.read { transaction in
            try transaction.query(
                """
                SELECT id, name, description, data, created_at FROM profile
                WHERE id = \(id) AND organization_id = \(organization)
                """
            )
        }
        guard let row = rows.first else { throw Self.notFound(id) }
        return try Self.record(row)
    }

    /// - Throws: ``ResourceRefusal`` with `taken`.
    package func create(_ profile: NewProfile, in organization: OrganizationID) async throws -> ProfileRecord {
        do {
            let rows = try await database.transaction { try $0.query(profile.insertion(for: organization)) }
            guard let row = rows.first else { throw PostgresError(.decoding, "a new profile has no row") }
            return try Self.record(row)
        } catch let error as PostgresError where error.isUniqueViolation("profile_name_unique") {
            throw ResourceRefusal(.taken, "There is a profile named “\(profile.name)”; choose another name.")
        }
    }

    /// - Throws: ``ResourceRefusal`` with `notFound`.
    package func remove(_ id: ProfileID, in organization: OrganizationID) async throws {
        let removed = try await database.transaction {
            try $0.execute("DELETE FROM profile WHERE id = \(id) AND organization_id = \(organization)")
        }
        guard removed == 1 else { throw Self.notFound(id) }
    }

    private static func record(_ row: Row) throws -> ProfileRecord {
        try ProfileRecord(
            id: row["id"],
            name: row["name"],
            description: row["description"],
            data: row["data"],
            createdAt: row["created_at"]
        )
    }

    private static func notFound(_ id: ProfileID) -> ResourceRefusal {
        ResourceRefusal(.notFound, "Profile \(id) does not exist.")
    }
}
