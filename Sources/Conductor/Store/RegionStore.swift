// SPDX-License-Identifier: Apache-2.0

package import GantryModel
package import Postgres

/// The regions.
package struct RegionStore: Sendable {
    private let database: Database

    package init(database: Database) {
        self.database = database
    }

    /// One page of them, by name.
    package func regions(_ query: ListQuery = ListQuery()) async throws -> Page<RegionRecord> {
        try await database.read { transaction in
            let found = try transaction.query(
                """
                WITH matching AS (
                    SELECT id, name FROM region
                    WHERE \(query.search)::text IS NULL OR position(lower(\(query.search)::text) IN lower(name)) > 0
                )
                SELECT (SELECT count(*) FROM matching) AS count, ARRAY(
                    SELECT id FROM matching ORDER BY name LIMIT \(query.limit)::bigint OFFSET \(query.offset)::bigint
                ) AS ids
                """
            )
            return try Page(found) { try Self.records($0, transaction) }
        }
    }

    /// - Throws: ``ResourceRefusal`` with `notFound`, as all that follow.
    package func region(_ id: RegionID) async throws -> RegionRecord {
        try await database.read { try Self.record(id, $0) }
    }

    /// The region of that name.
    package func id(of name: String) async throws -> RegionID {
        let rows = try await database.read { try $0.query("SELECT id FROM region WHERE name = \(name)") }
        guard let row = rows.first else { throw ResourceRefusal.missing("region", "region", name) }
        return try row["id"]
    }

    /// - Throws: ``ResourceRefusal`` with `taken` for a name that another one has, `invalid` for a network that is too
    ///   small for one environment.
    package func create(_ name: String, _ change: RegionChange) async throws -> RegionRecord {
        try await refusing(change) { transaction in
            let rows = try transaction.query(
                """
                INSERT INTO region (name, description, country, network, environment_prefix)
                VALUES (\(name), coalesce(\(change.description), ''), coalesce(\(change.country), ''),
                    coalesce(\(change.network)::cidr, '10.0.0.0/8'), coalesce(\(change.environmentPrefix)::integer, 22))
                RETURNING id
                """
            )
            return try rows.first?["id"]
        }
    }

    /// Changes what new environments get; those that exist keep their networks.
    ///
    /// - Throws: ``ResourceRefusal`` as `create` does.
    package func update(_ id: RegionID, _ change: RegionChange) async throws -> RegionRecord {
        try await refusing(change) { transaction in
            let changed = try transaction.execute(
                """
                UPDATE region SET name = coalesce(\(change.name), name),
                    description = coalesce(\(change.description), description),
                    country = coalesce(\(change.country), country),
                    network = coalesce(\(change.network)::cidr, network),
                    environment_prefix = coalesce(\(change.environmentPrefix)::integer, environment_prefix)
                WHERE id = \(id)
                """
            )
            if change.network != nil { try Self.refuseFloatingIPs(in: id, transaction) }
            return changed == 1 ? id : nil
        }
    }

    private static func refuseFloatingIPs(in id: RegionID, _ transaction: Transaction) throws {
        let pools = try transaction.query(
            """
            SELECT p.name FROM floating_ip_pool p JOIN region r ON r.id = p.region_id
            WHERE r.id = \(id) AND p.network && r.network LIMIT 1
            """
        )
        guard let pool = pools.first else { return }
        let name: String = try pool["name"]
        throw ResourceRefusal(.taken, "network: floating IP pool “\(name)” has addresses of it.")
    }

    /// Removes a region in which nothing is.
    ///
    /// - Throws: ``ResourceRefusal`` with `inUse`.
    package func remove(_ id: RegionID) async throws {
        do {
            let removed = try await database.transaction { transaction in
                // Flavors and images that were deleted stay for machines; where no machine is left they can go.
                try transaction.execute("DELETE FROM flavor WHERE region_id = \(id) AND deleted_at IS NOT NULL")
                try transaction.execute("DELETE FROM image WHERE region_id = \(id) AND deleted_at IS NOT NULL")
                return try transaction.execute("DELETE FROM region WHERE id = \(id)")
            }
            guard removed == 1 else { throw Self.notFound(id) }
        } catch let error as PostgresError where error.isForeignKeyViolation {
            let things = Self.things[error.constraint ?? ""] ?? "deleted machines, whose history is kept for a while"
            throw ResourceRefusal(.inUse, "Region \(id) still has \(things); remove it when nothing is there.")
        }
    }

    /// What stands on a region, by the foreign key that says so.
    private static let things = [
        "environment_region_id_fkey": "environments", "flavor_region_id_fkey": "flavors",
        "image_region_id_fkey": "images", "floating_ip_pool_region_id_fkey": "floating IP pools",
        "compute_node_region_id_fkey": "nodes", "volume_pool_id_fkey": "volumes",
        "snapshot_region_id_fkey": "snapshots",
    ]

    private func refusing(
        _ change: RegionChange,
        _ body: @escaping @Sendable (Transaction) throws -> RegionID?
    ) async throws -> RegionRecord {
        do {
            return try await database.transaction { transaction in
                guard let id = try body(transaction) else {
                    throw ResourceRefusal(.notFound, "The region does not exist.")
                }
                return try Self.record(id, transaction)
            }
        } catch let error as PostgresError where error.isUniqueViolation("region_name_key") {
            throw ResourceRefusal(.taken, "There is a region of that name; choose another one.")
        } catch let error as PostgresError where error.isCheckViolation {
            throw ResourceRefusal(
                .invalid,
                "environment_prefix: an environment's network has to fit into the region's: a prefix as long as the "
                    + "region's or longer."
            )
        }
    }

    private static func record(_ id: RegionID, _ transaction: Transaction) throws -> RegionRecord {
        guard let record = try records([id], transaction).first else { throw notFound(id) }
        return record
    }

    private static func records(_ ids: [RegionID], _ transaction: Transaction) throws -> [RegionRecord] {
        let rows = try transaction.query(
            """
            SELECT r.id, r.name, r.description, r.country, r.network, r.environment_prefix, r.created_at,
                (SELECT count(*) FROM environment e WHERE e.region_id = r.id) AS environments,
                (SELECT count(*) FROM compute_node n WHERE n.region_id = r.id) AS nodes
            FROM region r WHERE r.id = ANY (\(ids)::bigint[]) ORDER BY r.name
            """
        )
        return try rows.map { row in
            try RegionRecord(
                id: row["id"],
                name: row["name"],
                description: row["description"],
                country: row["country"],
                network: row["network"],
                environmentPrefix: row["environment_prefix"],
                environmentCount: row["environments"],
                nodeCount: row["nodes"],
                createdAt: row["created_at"]
            )
        }
    }

    private static func notFound(_ id: RegionID) -> ResourceRefusal {
        ResourceRefusal(.notFound, "Region \(id) does not exist.")
    }
}
