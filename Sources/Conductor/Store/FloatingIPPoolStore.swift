// SPDX-License-Identifier: Apache-2.0

package import Foundation
package import GantryModel
package import Postgres

/// Public addresses of a region.
package struct FloatingIPPoolRecord: Sendable, Hashable {
    package var id: FloatingIPPoolID
    package var regionName: String
    package var name: String
    package var network: Subnet
    package var addressCount: Int
    package var assignedCount: Int
    package var createdAt: Date
}

/// The floating IP pools, for operators.
package struct FloatingIPPoolStore: Sendable {
    private let database: Database

    package init(database: Database) {
        self.database = database
    }

    /// One page of a region's, or of all, oldest first.
    package func pools(_ query: ListQuery, region: RegionID?) async throws -> Page<FloatingIPPoolRecord> {
        try await database.read { transaction in
            let found = try transaction.query(
                """
                WITH matching AS (
                    SELECT id FROM floating_ip_pool
                    WHERE (\(region)::bigint IS NULL OR region_id = \(region)::bigint)
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
    package func pool(_ id: FloatingIPPoolID) async throws -> FloatingIPPoolRecord {
        try await database.read { try Self.record(id, $0) }
    }

    /// Makes a pool with its addresses.
    ///
    /// - Throws: ``ResourceRefusal`` with `taken` for a name or for addresses that something else has.
    package func create(_ name: String, region: String, network: Subnet) async throws -> FloatingIPPoolRecord {
        do {
            return try await database.transaction { transaction in
                let region = try Self.lock(region, for: network, transaction)
                let rows = try transaction.query(
                    """
                    INSERT INTO floating_ip_pool (region_id, name, network) VALUES (\(region), \(name), \(network))
                    RETURNING id
                    """
                )
                guard let id: FloatingIPPoolID = try rows.first?["id"] else {
                    throw ResourceRefusal(.notFound, "The pool does not exist.")
                }
                try AddressStore.addFloatingIPs(of: id, in: transaction)
                return try Self.record(id, transaction)
            }
        } catch let error as PostgresError where error.isUniqueViolation("floating_ip_pool_name_key") {
            throw ResourceRefusal(.taken, "There is a floating IP pool named “\(name)”; choose another name.")
        } catch let error as PostgresError where error.isExclusionViolation {
            throw ResourceRefusal(.taken, "network: another floating IP pool has addresses of \(network).")
        }
    }

    /// The region, with its row locked against a change of its network.
    private static func lock(_ region: String, for network: Subnet, _ transaction: Transaction) throws -> RegionID {
        let rows = try transaction.query(
            """
            SELECT r.id, r.network && \(network)::cidr OR EXISTS (
                SELECT FROM environment e WHERE e.region_id = r.id AND e.subnet && \(network)::cidr) AS overlaps
            FROM region r WHERE r.name = \(region) FOR SHARE OF r
            """
        )
        guard let row = rows.first else { throw ResourceRefusal.missing("region", "region", region) }
        guard try !row["overlaps"] else {
            throw ResourceRefusal(
                .taken,
                "network: environments of region \(region) have their private networks in \(network)."
            )
        }
        return try row["id"]
    }

    /// Removes a pool of which no machine has an address.
    ///
    /// - Throws: ``ResourceRefusal`` with `inUse`.
    package func remove(_ id: FloatingIPPoolID) async throws {
        do {
            let removed = try await database.transaction { transaction in
                // Addresses that machines have, or are just being given, stay, and then so does the pool.
                try transaction.execute(
                    """
                    DELETE FROM floating_ip
                    WHERE pool_id = \(id) AND vm_id IS NULL AND next_vm_id IS NULL AND orphan_id IS NULL
                    """
                )
                return try transaction.execute("DELETE FROM floating_ip_pool WHERE id = \(id)")
            }
            guard removed == 1 else { throw Self.notFound(id) }
        } catch let error as PostgresError where error.isForeignKeyViolation {
            throw ResourceRefusal(
                .inUse,
                "Virtual machines have addresses of floating IP pool \(id); delete them, or try again if they were just "
                    + "created."
            )
        }
    }

    private static func record(_ id: FloatingIPPoolID, _ transaction: Transaction) throws -> FloatingIPPoolRecord {
        guard let record = try records([id], transaction).first else { throw notFound(id) }
        return record
    }

    private static func records(_ ids: [FloatingIPPoolID], _ transaction: Transaction) throws -> [FloatingIPPoolRecord]
    {
        let rows = try transaction.query(
            """
            SELECT p.id, r.name AS region, p.name, p.network, p.created_at, a.total, a.assigned
            FROM floating_ip_pool p JOIN region r ON r.id = p.region_id, LATERAL (
                SELECT count(*) AS total, count(vm_id) AS assigned FROM floating_ip WHERE pool_id = p.id
            ) a
            WHERE p.id = ANY (\(ids)::bigint[]) ORDER BY p.id
            """
        )
        return try rows.map { row in
            try FloatingIPPoolRecord(
                id: row["id"],
                regionName: row["region"],
                name: row["name"],
                network: row["network"],
                addressCount: row["total"],
                assignedCount: row["assigned"],
                createdAt: row["created_at"]
            )
        }
    }

    private static func notFound(_ id: FloatingIPPoolID) -> ResourceRefusal {
        ResourceRefusal(.notFound, "Floating IP pool \(id) does not exist.")
    }
}
