// SPDX-License-Identifier: Apache-2.0

package import Foundation
package import GantryModel
package import Postgres

/// What GPUs there are, and how many are free. Each question is one statement, however many nodes there are.
package struct StockStore: Sendable {
    private let database: Database

    package init(database: Database) {
        self.database = database
    }

    /// The models of all nodes' devices with the regions where they are, by model and region.
    package func models() async throws -> [GPUModelRecord] {
        let rows = try await database.read { transaction in
            try transaction.query(
                """
                SELECT d.gpu_type, r.id AS region_id, r.name AS region, min(d.id) AS id,
                    min(d.created_at) AS created_at, max(d.updated_at) AS updated_at
                FROM gpu_device d JOIN compute_node n ON n.id = d.node_id JOIN region r ON r.id = n.region_id
                GROUP BY d.gpu_type, r.id ORDER BY d.gpu_type, r.name
                """
            )
        }
        return try rows.map { row in
            try GPUModelRecord(
                device: row["id"],
                gpuType: row["gpu_type"],
                regionID: row["region_id"],
                regionName: row["region"],
                createdAt: row["created_at"],
                updatedAt: row["updated_at"]
            )
        }
    }

    /// The free devices by region, model and node. Models that are all taken, or only on nodes that take nothing now, are
    /// there with none; the devices of a node that has neither a CPU nor memory left count for nothing.
    package func freeGPUs() async throws -> [GPUStock] {
        let rows = try await database.read { transaction in
            try transaction.query(
                """
                WITH stock AS (
                    SELECT r.name AS region, d.gpu_type, n.id AS node_id, coalesce(array_agg(d.address) FILTER (
                        WHERE d.schedulable AND n.schedulable AND n.allocated_vcpus < n.limit_vcpus
                            AND n.allocated_memory_mib < n.limit_memory_mib AND n.allocated_disk_gib < n.limit_disk_gib
                    ), '{}') AS free
                    FROM gpu_device d JOIN compute_node n ON n.id = d.node_id JOIN region r ON r.id = n.region_id
                    GROUP BY r.name, d.gpu_type, n.id
                )
                SELECT s.region, s.gpu_type, cardinality(s.free) AS free,
                    EXISTS (SELECT FROM fabric_partition p WHERE p.node_id = s.node_id) AS has_fabric,
                    ARRAY(SELECT cardinality(p.addresses) FROM fabric_partition p
                        WHERE p.node_id = s.node_id AND p.addresses <@ s.free) AS partitions
                FROM stock s ORDER BY s.region, s.gpu_type, s.node_id
                """
            )
        }
        var stocks: [GPUStock] = []
        for row in rows {
            let (region, gpuType): (String, String) = try (row["region"], row["gpu_type"])
            if stocks.last?.regionName != region || stocks.last?.gpuType != gpuType {
                stocks.append(GPUStock(regionName: region, gpuType: gpuType, nodes: []))
            }
            let partitions: [Int]? = try row["has_fabric"] ? row["partitions"] : nil
            stocks[stocks.count - 1].nodes.append(.init(free: try row["free"], partitions: partitions))
        }
        return stocks
    }
}

/// A GPU model in a region.
package struct GPUModelRecord: Sendable, Hashable {
    /// The oldest device of the model there.
    package var device: Int64
    package var gpuType: String
    package var regionID: RegionID
    package var regionName: String
    package var createdAt: Date
    package var updatedAt: Date
}

/// How many GPUs of a model are free in a region.
package struct GPUStock: Sendable, Hashable {
    package var regionName: String
    package var gpuType: String
    /// Those that have the model.
    package var nodes: [Node]

    package struct Node: Sendable, Hashable {
        package var free: Int
        /// How many GPUs each partition has that is free as a whole; nil for a node without Fabric Manager.
        package var partitions: [Int]?
    }

    package var free: Int { nodes.reduce(0) { $0 + $1.free } }

    /// How many machines with `count` GPUs each could be made; all GPUs of one are on one node. Partitions of one size do
    /// not overlap (NVIDIA Fabric Manager User Guide, “Default GPU Partitions”).
    package func machines(with count: Int) -> Int {
        nodes.reduce(0) { sum, node in sum + (node.partitions?.filter { $0 == count }.count ?? node.free / count) }
    }
}
