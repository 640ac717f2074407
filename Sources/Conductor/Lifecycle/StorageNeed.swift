// SPDX-License-Identifier: Apache-2.0

import GantryModel
import Postgres

/// What a machine's volumes ask of the node that it is placed on.
struct StorageNeed: Sendable, Hashable {
    /// The node has to have all of them.
    var pools: [StoragePoolID]
    /// Where local volumes are already; nil for anywhere.
    var node: NodeID?

    /// The nodes that have it.
    func nodes(_ transaction: Transaction) throws -> [NodeID] {
        try transaction.query(
            """
            SELECT node_id FROM node_storage_pool WHERE pool_id = ANY (\(pools)::bigint[])
                AND (\(node)::bigint IS NULL OR node_id = \(node)::bigint)
            GROUP BY node_id HAVING count(*) = cardinality(\(pools)::bigint[]) ORDER BY node_id
            """
        )
        .map { try $0["node_id"] }
    }

    /// The nodes that a machine that exists can be on; nil for all, when it has no volumes.
    static func nodes(for machine: VirtualMachineID, _ transaction: Transaction) throws -> [NodeID]? {
        let rows = try transaction.query(
            """
            SELECT array_agg(DISTINCT v.pool_id) AS pools, min(v.node_id) AS node
            FROM volume_attachment a JOIN volume v ON v.id = a.volume_id WHERE a.vm_id = \(machine)
            """
        )
        let pools: [StoragePoolID]? = try rows.first?["pools"]
        guard let pools else { return nil }
        return try StorageNeed(pools: pools, node: rows.first?["node"]).nodes(transaction)
    }
}
