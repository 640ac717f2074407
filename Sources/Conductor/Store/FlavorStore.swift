// SPDX-License-Identifier: Apache-2.0

package import GantryModel
package import Postgres

/// The flavors that are not deleted.
package struct FlavorStore: Sendable {
    private let database: Database

    package init(database: Database) {
        self.database = database
    }

    /// All flavors of a region, or of all regions, by region, GPU and size. One statement.
    package func offers(region: RegionID?) async throws -> [FlavorOffer] {
        let rows = try await database.read { transaction in
            try transaction.query(
                """
                SELECT f.id, r.name AS region, f.name, f.vcpus, f.memory_mib, f.disk_gib, f.gpu_type, f.gpu_count,
                    f.stop_policy, f.created_at, 0 AS machines, EXISTS (
                        SELECT FROM compute_node n
                        WHERE n.schedulable AND n.region_id = f.region_id AND (f.gpu_count = 0 OR n.has_gpu)
                            AND n.limit_vcpus - n.allocated_vcpus >= f.vcpus
                            AND n.limit_memory_mib - n.allocated_memory_mib >= f.memory_mib
                            AND f.memory_mib % coalesce(n.memory_page_mib, 1) = 0
                            AND n.limit_disk_gib - n.allocated_disk_gib >= f.disk_gib
                            AND gives_gpus(n.id, CASE WHEN f.gpu_count > 0 THEN ARRAY(
                                SELECT d.address FROM gpu_device d
                                WHERE d.node_id = n.id AND d.gpu_type = f.gpu_type AND d.schedulable) END, f.gpu_count)
                    ) AS available
                FROM flavor f JOIN region r ON r.id = f.region_id
                WHERE f.deleted_at IS NULL AND (\(region)::bigint IS NULL OR f.region_id = \(region)::bigint)
                ORDER BY r.name, f.gpu_type, f.gpu_count, f.vcpus, f.memory_mib, f.disk_gib, f.name
                """
            )
        }
        return try rows.map { FlavorOffer(flavor: try Self.record($0), isAvailable: try $0["available"]) }
    }

    /// One page of them, oldest first.
    package func flavors(_ query: ListQuery, region: RegionID?) async throws -> Page<FlavorRecord> {
        try await database.read { transaction in
            let found = try transaction.query(
                """
                WITH matching AS (
                    SELECT id FROM flavor WHERE deleted_at IS NULL
                        AND (\(region)::bigint IS NULL OR region_id = \(region)::bigint)
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
    package func flavor(_ id: FlavorID) async throws -> FlavorRecord {
        try await database.read { try Self.record(id, $0) }
    }

    /// - Throws: ``ResourceRefusal`` with `taken` for a name that the region has.
    package func create(_ flavor: NewFlavor) async throws -> FlavorRecord {
        do {
            return try await database.transaction { transaction in
                let rows = try transaction.query(
                    """
                    INSERT INTO flavor (region_id, name, vcpus, memory_mib, disk_gib, gpu_type, gpu_count, stop_policy)
                    SELECT id, \(flavor.name), \(flavor.resources.vcpus), \(flavor.resources.memoryMiB),
                        \(flavor.resources.diskGiB), \(flavor.gpuType), \(flavor.gpuCount),
                        \(flavor.stopPolicy)
                    FROM region WHERE name = \(flavor.region) RETURNING id
                    """
                )
                guard let id: FlavorID = try rows.first?["id"] else {
                    throw ResourceRefusal.missing("region", "region", flavor.region)
                }
                return try Self.record(id, transaction)
            }
        } catch let error as PostgresError where error.isUniqueViolation("flavor_name_unique") {
            throw ResourceRefusal(
                .taken,
                "Region \(flavor.region) has a flavor named “\(flavor.name)”; delete it first or choose another name."
            )
        }
    }

    /// Takes a flavor off the list. Machines made from it stay as they are.
    package func remove(_ id: FlavorID) async throws {
        let removed = try await database.transaction {
            try $0.execute("UPDATE flavor SET deleted_at = now() WHERE id = \(id) AND deleted_at IS NULL")
        }
        guard removed == 1 else { throw Self.notFound(id) }
    }

    private static func record(_ id: FlavorID, _ transaction: Transaction) throws -> FlavorRecord {
        guard let record = try records([id], transaction).first else { throw notFound(id) }
        return record
    }

    private static func records(_ ids: [FlavorID], _ transaction: Transaction) throws -> [FlavorRecord] {
        let rows = try transaction.query(
            """
            SELECT f.id, r.name AS region, f.name, f.vcpus, f.memory_mib, f.disk_gib, f.gpu_type, f.gpu_count,
                f.stop_policy, f.created_at, coalesce(m.machines, 0) AS machines
            FROM flavor f JOIN region r ON r.id = f.region_id LEFT JOIN (
                SELECT flavor_id, count(*) AS machines FROM virtual_machine
                WHERE flavor_id = ANY (\(ids)::bigint[]) AND deleted_at IS NULL GROUP BY flavor_id
            ) m ON m.flavor_id = f.id
            WHERE f.id = ANY (\(ids)::bigint[]) AND f.deleted_at IS NULL ORDER BY f.id
            """
        )
        return try rows.map(record)
    }

    private static func record(_ row: Row) throws -> FlavorRecord {
        try FlavorRecord(
            id: row["id"],
            regionName: row["region"],
            name: row["name"],
            resources: row.resources,
            gpuType: row["gpu_type"],
            gpuCount: row["gpu_count"],
            stopPolicy: row["stop_policy"],
            machineCount: row["machines"],
            createdAt: row["created_at"]
        )
    }

    private static func notFound(_ id: FlavorID) -> ResourceRefusal {
        ResourceRefusal(.notFound, "Flavor \(id) does not exist.")
    }
}
