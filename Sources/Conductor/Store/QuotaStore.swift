// SPDX-License-Identifier: Apache-2.0

package import GantryModel
package import Postgres

/// What somebody may have, and has.
package struct QuotaRecord: Sendable, Hashable {
    package var limits: QuotaAmounts
    package var used: QuotaAmounts
}

/// The quotas of organizations and environments.
package struct QuotaStore: Sendable {
    /// Whose quota it is.
    package enum Owner: Sendable, Hashable {
        case organization(OrganizationID)
        case environment(EnvironmentID)
    }

    private let database: Database

    package init(database: Database) {
        self.database = database
    }

    /// - Throws: ``ResourceRefusal`` with `notFound`, as the other.
    package func quota(of owner: Owner) async throws -> QuotaRecord {
        try await database.read { try Self.record(owner, $0) }
    }

    /// Sets all limits anew. What is there above them stays; only nothing is added.
    package func set(_ limits: QuotaAmounts, for owner: Owner) async throws -> QuotaRecord {
        try await database.transaction { transaction in
            let (organization, environment) = try Self.lock(owner, transaction)
            func limit(_ dimension: QuotaDimension) -> Int? { limits[dimension].map { $0 / dimension.unit } }
            try transaction.execute(
                """
                INSERT INTO quota AS q (organization_id, environment_id) SELECT
                    CASE WHEN \(environment)::bigint IS NULL THEN \(organization)::bigint END, \(environment)::bigint
                ON CONFLICT DO NOTHING
                """
            )
            try transaction.execute(
                """
                UPDATE quota SET vms = \(limit(.vms)), vcpus = \(limit(.vcpus)), memory_gib = \(limit(.memory)),
                    gpus = \(limit(.gpus)), volumes = \(limit(.volumes)), volume_gib = \(limit(.volumeGiB)),
                    floating_ips = \(limit(.floatingIPs))
                WHERE environment_id = \(environment)::bigint
                    OR (\(environment)::bigint IS NULL AND organization_id = \(organization))
                """
            )
            return try Self.record(owner, transaction)
        }
    }

    /// Keeps the owner from being deleted meanwhile.
    private static func lock(
        _ owner: Owner,
        _ transaction: Transaction
    ) throws -> (OrganizationID, EnvironmentID?) {
        switch owner {
        case .organization(let id):
            let rows = try transaction.query("SELECT id FROM organization WHERE id = \(id) FOR KEY SHARE")
            guard !rows.isEmpty else { throw notFound(owner) }
            return (id, nil)
        case .environment(let id):
            let rows = try transaction.query("SELECT organization_id FROM environment WHERE id = \(id) FOR KEY SHARE")
            guard let row = rows.first else { throw notFound(owner) }
            return (try row["organization_id"], id)
        }
    }

    private static func record(_ owner: Owner, _ transaction: Transaction) throws -> QuotaRecord {
        let (organization, environment) = try lock(owner, transaction)
        let rows = try transaction.query(
            """
            SELECT vms, vcpus, memory_gib, gpus, volumes, volume_gib, floating_ips FROM quota
            WHERE environment_id = \(environment)::bigint
                OR (\(environment)::bigint IS NULL AND organization_id = \(organization))
            """
        )
        let used = try QuotaCheck.usage(try transaction.query(QuotaCheck.usage(organization, environment)))
        return QuotaRecord(
            limits: try rows.first.map { try QuotaCheck.limits($0) } ?? [:],
            used: environment == nil ? used.whole : used.here
        )
    }

    private static func notFound(_ owner: Owner) -> ResourceRefusal {
        switch owner {
        case .organization(let id): ResourceRefusal(.notFound, "Organization \(id) does not exist.")
        case .environment(let id): ResourceRefusal(.notFound, "Environment \(id) does not exist.")
        }
    }
}
