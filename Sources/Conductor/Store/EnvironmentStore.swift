// SPDX-License-Identifier: Apache-2.0

package import GantryModel
package import Postgres

/// Environments, always within one organization.
package struct EnvironmentStore: Sendable {
    private let database: Database

    package init(database: Database) {
        self.database = database
    }

    /// One page of them, oldest first.
    package func environments(
        in organization: OrganizationID,
        _ query: ListQuery
    ) async throws -> Page<EnvironmentRecord> {
        try await database.read { transaction in
            let found = try transaction.query(
                """
                WITH matching AS (
                    SELECT id FROM environment WHERE organization_id = \(organization)
                        AND (\(query.search)::text IS NULL
                            OR position(lower(\(query.search)::text) IN lower(name)) > 0)
                        AND (\(query.environments)::bigint[] IS NULL
                            OR id = ANY (\(query.environments)::bigint[]))
                )
                SELECT (SELECT count(*) FROM matching) AS count, ARRAY(
                    SELECT id FROM matching ORDER BY id LIMIT \(query.limit)::bigint OFFSET \(query.offset)::bigint
                ) AS ids
                """
            )
            return try Page(found) { try Self.records($0, in: organization, transaction) }
        }
    }

    /// - Throws: ``ResourceRefusal`` with `notFound`, as all that follow.
    package func environment(
        _ id: EnvironmentID,
        in organization: OrganizationID
    ) async throws -> EnvironmentRecord {
        try await database.read { try Self.record(id, in: organization, $0) }
    }

    /// Whether a new environment could have that name.
    package func isFree(_ name: String, in organization: OrganizationID) async throws -> Bool {
        try await database.read { transaction in
            try transaction.query(
                "SELECT 1 FROM environment WHERE organization_id = \(organization) AND name = \(name)"
            )
            .isEmpty
        }
    }

    /// How many machines the environment may have: as it has addresses, and as its own and its organization's quota leave.
    package func quota(of id: EnvironmentID, in organization: OrganizationID) async throws -> EnvironmentQuota {
        let rows = try await database.read { transaction in
            try transaction.query(
                """
                SELECT e.subnet, a.used,
                    a.used + greatest(least(a.total - a.used, own.vms - a.used, whole.vms - o.used), 0) AS total
                FROM environment e LEFT JOIN quota own ON own.environment_id = e.id
                    LEFT JOIN quota whole ON whole.organization_id = e.organization_id, LATERAL (
                    SELECT count(vm_id) AS used, count(*) AS total FROM private_address WHERE environment_id = e.id
                ) a, LATERAL (
                    SELECT count(*) AS used FROM virtual_machine vm
                    WHERE vm.organization_id = e.organization_id AND vm.deleted_at IS NULL
                ) o WHERE e.id = \(id) AND e.organization_id = \(organization)
                """
            )
        }
        guard let row = rows.first else { throw Self.notFound(id) }
        return try EnvironmentQuota(subnet: row["subnet"], used: row["used"], total: row["total"])
    }

    /// Makes an environment, with a network cut from its region's and the addresses in it.
    ///
    /// - Throws: ``ResourceRefusal`` with `taken` for the name, `exhausted` when the region has no network left.
    package func create(
        _ name: String,
        region: String,
        in organization: OrganizationID
    ) async throws -> EnvironmentRecord {
        try await refusing(name) { transaction in
            let subnet = try SubnetAllocation.next(in: region, transaction)
            let rows = try transaction.query(
                """
                INSERT INTO environment (organization_id, region_id, name, subnet)
                SELECT \(organization), id, \(name), \(subnet) FROM region WHERE name = \(region) RETURNING id
                """
            )
            guard let id: EnvironmentID = try rows.first?["id"] else {
                throw ResourceRefusal.missing("region", "region", region)
            }
            try AddressStore.addPrivateAddresses(of: id, in: transaction)
            return try Self.record(id, in: organization, transaction)
        }
    }

    /// - Throws: ``ResourceRefusal`` with `taken`.
    package func rename(
        _ id: EnvironmentID,
        to name: String,
        in organization: OrganizationID
    ) async throws -> EnvironmentRecord {
        try await refusing(name) { transaction in
            try transaction.execute(
                "UPDATE environment SET name = \(name) WHERE id = \(id) AND organization_id = \(organization)"
            )
            return try Self.record(id, in: organization, transaction)
        }
    }

    /// Removes an environment without machines and volumes, with its key pairs and firewalls.
    ///
    /// - Throws: ``ResourceRefusal`` with `inUse`.
    package func remove(_ id: EnvironmentID, in organization: OrganizationID) async throws {
        try await database.transaction { transaction in
            // Under the lock no machine can be added to it.
            let locked = try transaction.query(
                "SELECT name FROM environment WHERE id = \(id) AND organization_id = \(organization) FOR UPDATE"
            )
            guard let name: String = try locked.first?["name"] else { throw Self.notFound(id) }
            let rows = try transaction.query(
                """
                SELECT count(*) AS count, count(*) FILTER (WHERE desired = 'absent') AS deleting
                FROM virtual_machine WHERE environment_id = \(id) AND deleted_at IS NULL
                """
            )
            let (count, deleting): (Int, Int) = try rows.first.map { try ($0["count"], $0["deleting"]) } ?? (0, 0)
            guard count == 0 else { throw Self.inUse(name, count, deleting) }
            let volumes = try transaction.query(
                "SELECT count(*) AS count FROM volume WHERE environment_id = \(id) AND deleted_at IS NULL"
            )
            guard try volumes.first?["count"] == 0 else {
                throw ResourceRefusal(
                    .inUse,
                    "Environment “\(name)” still has volumes; delete them, and wait until they are gone, or move them."
                )
            }
            try transaction.execute("DELETE FROM environment WHERE id = \(id)")
        }
    }

    // MARK: - Parts

    private func refusing(
        _ name: String,
        _ body: @escaping @Sendable (Transaction) throws -> EnvironmentRecord
    ) async throws -> EnvironmentRecord {
        do {
            return try await database.transaction(body)
        } catch let error as PostgresError where error.isUniqueViolation("environment_name_unique") {
            throw ResourceRefusal(.taken, "There is an environment named “\(name)”; choose another name.")
        }
    }

    private static func record(
        _ id: EnvironmentID,
        in organization: OrganizationID,
        _ transaction: Transaction
    ) throws -> EnvironmentRecord {
        guard let record = try records([id], in: organization, transaction).first else { throw notFound(id) }
        return record
    }

    private static func records(
        _ ids: [EnvironmentID],
        in organization: OrganizationID,
        _ transaction: Transaction
    ) throws -> [EnvironmentRecord] {
        let rows = try transaction.query(
            """
            SELECT e.id, e.name, e.subnet, e.created_at, r.name AS region
            FROM environment e JOIN region r ON r.id = e.region_id
            WHERE e.id = ANY (\(ids)::bigint[]) AND e.organization_id = \(organization) ORDER BY e.id
            """
        )
        return try rows.map { row in
            try EnvironmentRecord(
                id: row["id"],
                name: row["name"],
                regionName: row["region"],
                subnet: row["subnet"],
                createdAt: row["created_at"]
            )
        }
    }

    private static func inUse(_ name: String, _ count: Int, _ deleting: Int) -> ResourceRefusal {
        ResourceRefusal(
            .inUse,
            "Environment “\(name)” still has virtual machines: \(count), of which \(deleting) are being deleted. Delete "
                + "them and wait until they are gone."
        )
    }

    private static func notFound(_ id: EnvironmentID) -> ResourceRefusal {
        ResourceRefusal(.notFound, "Environment \(id) does not exist.")
    }
}
