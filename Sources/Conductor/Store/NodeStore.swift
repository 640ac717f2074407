// SPDX-License-Identifier: Apache-2.0

package import GantryModel
package import Postgres

/// The nodes, for operators.
package struct NodeStore: Sendable {
    let database: Database

    package init(database: Database) {
        self.database = database
    }

    /// A node by its name.
    package func node(_ name: NodeName) async throws -> NodeRecord? {
        try await database.read { transaction in
            let ids = try transaction.query("SELECT id FROM compute_node WHERE name = \(name)")
            return try Self.records(ids.map { try $0["id"] }, transaction).first
        }
    }

    /// One page of a region's nodes, or of all, by name.
    package func nodes(_ query: ListQuery = ListQuery(), region: RegionID? = nil) async throws -> Page<NodeRecord> {
        try await database.read { transaction in
            let found = try transaction.query(
                """
                WITH matching AS (
                    SELECT id, name FROM compute_node
                    WHERE (\(region)::bigint IS NULL OR region_id = \(region)::bigint)
                        AND (\(query.search)::text IS NULL
                            OR position(lower(\(query.search)::text) IN lower(name)) > 0)
                )
                SELECT (SELECT count(*) FROM matching) AS count, ARRAY(
                    SELECT id FROM matching ORDER BY name LIMIT \(query.limit)::bigint OFFSET \(query.offset)::bigint
                ) AS ids
                """
            )
            return try Page(found) { try Self.records($0, transaction) }
        }
    }

    /// Keeps new machines off a node; what is there goes on.
    ///
    /// - Throws: ``NodeRefusal`` with `notFound`, as all that follow.
    package func cordon(_ name: NodeName, reason: String) async throws -> NodeRecord {
        try await change(name) { transaction in
            try transaction.execute(
                "UPDATE compute_node SET cordoned = true, cordon_reason = \(reason) WHERE name = \(name)"
            )
        }
    }

    /// Keeps new machines off a node and has the ones that it has stopped, moved or waited for. Doing it again changes the
    /// reason, and with another policy it begins anew.
    package func drain(_ name: NodeName, _ policy: DrainPolicy, reason: String) async throws -> NodeRecord {
        try await change(name) { transaction in
            try transaction.execute(
                """
                UPDATE compute_node SET cordoned = true, cordon_reason = \(reason), drain_policy = \(policy),
                    drain_since = CASE WHEN drain_policy = \(policy) THEN drain_since ELSE now() END,
                    drain_left = NULL, drain_staying = NULL, drain_obstacle = NULL, drained_at = NULL
                WHERE name = \(name)
                """
            )
        }
    }

    /// Lets new machines on a node again, and ends its drain.
    package func uncordon(_ name: NodeName) async throws -> NodeRecord {
        try await change(name) { transaction in
            try transaction.execute(
                """
                UPDATE compute_node SET cordoned = false, cordon_reason = NULL, drain_policy = NULL, drain_since = NULL,
                    drain_left = NULL, drain_staying = NULL, drain_obstacle = NULL, drained_at = NULL
                WHERE name = \(name)
                """
            )
        }
    }

    /// Sets how much may be given out. Below what is given out already the node is shrunk and takes nothing new.
    package func setRatios(_ ratios: OvercommitRatios, of name: NodeName) async throws -> NodeRecord {
        try await change(name) { transaction in
            try transaction.execute(
                """
                UPDATE compute_node
                SET vcpu_ratio = \(ratios.vcpu), memory_ratio = \(ratios.memory), disk_ratio = \(ratios.disk),
                    shrunk = allocated_vcpus > floor((vcpus - reserved_vcpus) * \(ratios.vcpu)::numeric)
                        OR allocated_memory_mib
                            > memory_limit(memory_mib - reserved_memory_mib, \(ratios.memory)::numeric, memory_page_mib)
                        OR allocated_disk_gib > floor((disk_gib - reserved_disk_gib) * \(ratios.disk)::numeric)
                WHERE name = \(name)
                """
            )
        }
    }

    /// Lets another host come with the node's key, after the operator made sure that the old one never will.
    package func forgetHost(of name: NodeName) async throws -> NodeRecord {
        try await change(name) { transaction in
            try transaction.execute("UPDATE compute_node SET hostname = NULL WHERE name = \(name)")
        }
    }

    private func change(
        _ name: NodeName,
        _ body: @escaping @Sendable (Transaction) throws -> Int
    ) async throws -> NodeRecord {
        try await database.transaction { transaction in
            guard try body(transaction) == 1 else {
                throw NodeRefusal(.notFound, "There is no node named \(name).")
            }
            let ids = try transaction.query("SELECT id FROM compute_node WHERE name = \(name)")
            guard let record = try Self.records(ids.map { try $0["id"] }, transaction).first else {
                throw NodeRefusal(.notFound, "There is no node named \(name).")
            }
            return record
        }
    }
}
