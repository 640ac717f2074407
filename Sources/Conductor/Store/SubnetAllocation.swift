// SPDX-License-Identifier: Apache-2.0

import GantryModel
import Postgres

/// Cuts the private networks of environments from their region's.
enum SubnetAllocation {
    /// The first network of the region's length that overlaps no environment's.
    ///
    /// It locks the region's row, so that environments of one region are made one after the other. Should anything else
    /// add one meanwhile, the table's exclusion constraint refuses an overlap.
    ///
    /// - Throws: ``ResourceRefusal`` with `notFound` for an unknown region, `exhausted` when there is none left or the
    ///   region's nodes were not all surveyed since the database was restored.
    static func next(in region: String, _ transaction: Transaction) throws -> Subnet {
        let locked = try transaction.query("SELECT id FROM region WHERE name = \(region) FOR NO KEY UPDATE")
        guard let id: RegionID = try locked.first?["id"] else {
            throw ResourceRefusal.missing("region", "region", region)
        }
        try checkSurveyed(id, region, transaction)
        let rows = try transaction.query(search(in: id))
        guard let row = rows.first else {
            throw ResourceRefusal(
                .exhausted,
                "Region \(region) has no network left for another environment; delete one that is not needed, or ask "
                    + "the operator for a larger network."
            )
        }
        return try row["subnet"]
    }

    /// Hosts may have networks of environments that a restored database does not know of.
    private static func checkSurveyed(_ id: RegionID, _ region: String, _ transaction: Transaction) throws {
        let rows = try transaction.query("SELECT FROM compute_node WHERE region_id = \(id) AND awaited LIMIT 1")
        guard !rows.isEmpty else { return }
        throw ResourceRefusal(
            .exhausted,
            "The cloud's database was restored, and not all hosts of region \(region) have said yet which networks they "
                + "have; try again in a minute."
        )
    }

    /// All in offsets from the region's first address: the gaps before, between and after the networks in use (of any
    /// length, since the region's may have been changed), in each the first place where a network may begin.
    private static func search(in region: RegionID) -> SQL {
        """
        SELECT set_masklen(network(r.network)::inet + place.first, r.environment_prefix)::cidr AS subnet
        FROM region r,
            LATERAL (SELECT 1::bigint << (32 - r.environment_prefix) AS size,
                broadcast(r.network) - network(r.network) + 1 AS total) n,
            LATERAL (
                SELECT (gap.first + n.size - 1) / n.size * n.size AS first, gap.last
                FROM (
                    SELECT coalesce(max(used.last) OVER (
                            ORDER BY used.first ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), -1) + 1 AS first,
                        used.first - 1 AS last
                    FROM (
                        SELECT e.subnet - network(r.network) AS first, broadcast(e.subnet) - network(r.network) AS last
                        FROM (
                            SELECT e.subnet FROM environment e WHERE e.region_id = r.id
                            UNION SELECT o.subnet FROM orphan o JOIN compute_node n ON n.id = o.node_id
                            WHERE n.region_id = r.id AND o.subnet IS NOT NULL
                        ) e WHERE e.subnet && r.network
                        UNION ALL SELECT n.total, n.total
                    ) used
                ) gap
            ) place
        WHERE r.id = \(region) AND place.first + n.size - 1 <= place.last
        ORDER BY place.first LIMIT 1
        """
    }
}
