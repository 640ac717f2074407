// SPDX-License-Identifier: Apache-2.0

import GantryModel
import Placement
import Postgres

/// How many units of one type a region has, by what becomes of them. Each is counted once.
package struct GPUCounts: Sendable, Hashable {
    package var type: String
    package var free = 0
    package var allocated = 0
    package var sanitizing = 0
    package var faulty = 0
    /// Free but for the operator's word.
    package var cordoned = 0
    /// Of no machine, and no longer in their hosts.
    package var missing = 0
    /// How many of them nodes give together where Fabric Manager connects them, each number once; none without such nodes.
    package var partitionSizes: [Int] = []

    /// Of the type that is searched for, on the nodes where it is; nil when no GPU is.
    static func count(_ search: CapacitySearch, _ transaction: Transaction) throws -> GPUCounts? {
        guard let type = search.request.gpus?.type else { return nil }
        let rows = try transaction.query(
            """
            SELECT count(*) FILTER (WHERE d.schedulable) AS free,
                count(*) FILTER (WHERE d.told_state = 'allocated') AS allocated,
                count(*) FILTER (WHERE d.told_state = 'sanitizing' AND d.present) AS sanitizing,
                count(*) FILTER (WHERE d.told_state = 'faulty') AS faulty,
                count(*) FILTER (WHERE d.told_state = 'free' AND d.cordoned) AS cordoned,
                count(*) FILTER (WHERE d.told_state = 'sanitizing' AND NOT d.present) AS missing,
                ARRAY(
                    SELECT DISTINCT cardinality(p.addresses) FROM fabric_partition p
                    WHERE p.node_id = ANY (array_agg(n.id)) ORDER BY 1
                ) AS partition_sizes
            FROM gpu_device d JOIN compute_node n ON n.id = d.node_id
            WHERE n.region_id = \(search.region) AND d.gpu_type = \(type)
                AND (\(search.reachable == nil)::boolean OR n.id = ANY (\(search.reachable ?? [])::bigint[]))
            """
        )
        guard let row = rows.first else { return GPUCounts(type: type) }
        return try GPUCounts(
            type: type,
            free: row["free"],
            allocated: row["allocated"],
            sanitizing: row["sanitizing"],
            faulty: row["faulty"],
            cordoned: row["cordoned"],
            missing: row["missing"],
            partitionSizes: row["partition_sizes"]
        )
    }

    private var partitionSentence: String {
        guard let last = partitionSizes.last else { return "" }
        let others = partitionSizes.dropLast().map { "\($0)" }.joined(separator: ", ")
        return " Nodes with NVSwitches give \(others.isEmpty ? "" : "\(others) or ")\(last) of them to a machine."
    }

    /// The counts in words, those of zero left out.
    var sentence: String {
        let counts = [
            (free, "free"), (allocated, "allocated"), (sanitizing, "being cleaned"), (faulty, "faulty"),
            (cordoned, "cordoned"), (missing, "missing from their hosts"),
        ]
        let all = counts.filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }.joined(separator: ", ")
        return "Of GPU type \(type): \(all.isEmpty ? "none" : all)." + partitionSentence
    }
}
