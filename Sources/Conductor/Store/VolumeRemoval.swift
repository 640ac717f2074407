// SPDX-License-Identifier: Apache-2.0

import GantryModel
import GantryProtocol
import Postgres

/// How volumes that are to be deleted go: each node that can reach the file is told with the answer to every report, until
/// one says that the file is gone. A node's silence frees nothing.
enum VolumeRemoval {
    /// What the node named `n` has to remove, each as `UUID POOL`.
    static let column: StaticString = """
        ARRAY(SELECT v.uuid::text || ' ' || p.name FROM volume v JOIN storage_pool p ON p.id = v.pool_id
            WHERE v.state = 'deleting' AND (v.node_id = n.id OR v.node_id IS NULL AND EXISTS (
                SELECT FROM node_storage_pool np WHERE np.node_id = n.id AND np.pool_id = v.pool_id)))
            AS absent_volumes
        """

    /// Reads ``column``.
    static func volumes(_ row: Row) throws -> [AbsentVolume] {
        let texts: [String] = try row["absent_volumes"]
        return try texts.map { text in
            let words = text.split(separator: " ").map(String.init)
            guard words.count == 2 else { throw PostgresError(.decoding, "a volume cannot be read") }
            return AbsentVolume(uuid: try VolumeUUID(words[0]), pool: words[1])
        }
    }

    /// Takes what a dead node was still to remove for gone, as the node itself goes.
    static func giveUp(on name: NodeName, _ transaction: Transaction) throws {
        let rows = try transaction.query(
            """
            SELECT n.id, ARRAY(SELECT v.uuid FROM volume v WHERE v.node_id = n.id AND v.state = 'deleting') AS volumes
            FROM compute_node n WHERE n.name = \(name) AND n.state = 'dead'
            """
        )
        guard let row = rows.first else { return }
        try confirm(try row["volumes"], by: try row["id"], transaction)
    }

    /// Writes down what a node says is gone, and gives back what a local one held of it.
    static func confirm(_ volumes: [VolumeUUID], by node: NodeID, _ transaction: Transaction) throws {
        let rows = try transaction.query(
            """
            SELECT v.id, v.node_id, v.size_gib FROM volume v
            WHERE v.uuid = ANY (\(volumes)::uuid[]) AND v.state = 'deleting'
                AND (v.node_id = \(node) OR v.node_id IS NULL AND EXISTS (
                    SELECT FROM node_storage_pool np WHERE np.node_id = \(node) AND np.pool_id = v.pool_id))
            ORDER BY v.id FOR UPDATE
            """
        )
        guard !rows.isEmpty else { return }
        let ids: [VolumeID] = try rows.map { try $0["id"] }
        let freed = try rows.reduce(0) { total, row in
            let local: NodeID? = try row["node_id"]
            return total + (local == nil ? 0 : try row["size_gib"])
        }
        _ = try transaction.together([
            VolumeCallback.tell(ids, .deleteVolume, "DELETED"),
            """
            UPDATE volume SET state = 'deleted', deleted_at = now(), node_id = NULL WHERE id = ANY (\(ids)::bigint[])
            """,
            """
            UPDATE compute_node SET allocated_disk_gib = allocated_disk_gib - \(freed),
                shrunk = shrunk AND (allocated_vcpus > limit_vcpus OR allocated_memory_mib > limit_memory_mib
                    OR allocated_disk_gib - \(freed) > limit_disk_gib)
            WHERE id = \(node) AND \(freed)::integer > 0
            """,
        ])
    }
}
