// SPDX-License-Identifier: Apache-2.0

import Conductor
import Foundation
import GantryModel
import GantryProtocol
import Logging
import Postgres
import Testing

extension Cloud {
    /// Gives every node a storage pool.
    func addPool(_ name: String, _ kind: StoragePoolInventory.Kind) async throws {
        try await execute(
            """
            WITH pool AS (
                INSERT INTO storage_pool (region_id, name, kind) VALUES (\(region), \(name), \(kind.rawValue)) RETURNING id
            )
            INSERT INTO node_storage_pool (node_id, pool_id) SELECT n.id, pool.id FROM compute_node n, pool
            """
        )
    }

    /// Makes an empty volume in the only pool.
    func addVolume(_ name: String, sizeGiB: Int) async throws -> VolumeID {
        try await database.transaction { transaction in
            let rows = try transaction.query(
                """
                INSERT INTO volume (organization_id, environment_id, pool_id, name, size_gib)
                SELECT \(organization), \(environment), id, \(name), \(sizeGiB) FROM storage_pool RETURNING id
                """
            )
            return try #require(rows.first)["id"]
        }
    }

    /// What the nodes have given out of their disks.
    func claimedDisk() async throws -> Int {
        try await number("SELECT sum(allocated_disk_gib) AS number FROM compute_node")
    }

    /// The nodes' agents do all that is wanted of machines, and say so.
    func settle() async throws {
        for node in try await nodes() { _ = try await report(of: node) }
    }

    /// The nodes' agents remove what they are told to, and say so.
    func confirmRemovals() async throws {
        for node in try await nodes() {
            let receipt = try await report(of: node)
            _ = try await report(of: node, removed: receipt.absentVolumes.map(\.uuid))
        }
    }

    private func nodes() async throws -> [NodeIdentity] {
        try await database.read { transaction in
            try transaction.query("SELECT id, name FROM compute_node ORDER BY id")
                .map { NodeIdentity(id: try $0["id"], name: try $0["name"]) }
        }
    }

    private func report(of node: NodeIdentity, removed: [VolumeUUID] = []) async throws -> ReportReceipt {
        try await execute(
            """
            INSERT INTO node_report (node_id, epoch, boot_id, sequence, interval_seconds, collected_at, complete,
                hypervisor_reachable)
            SELECT id, epoch, 'boot', 0, 10, now(), true, true FROM compute_node WHERE id = \(node.id)
            ON CONFLICT DO NOTHING
            """
        )
        let (epoch, sequence, tasks) = try await database.read { transaction in
            let row = try #require(
                try transaction.query("SELECT epoch, sequence FROM node_report WHERE node_id = \(node.id)").first
            )
            let last: Int64 = try row["sequence"]
            return (try row["epoch"] as Int64, last + 1, try MachineTaskStore.tasks(of: node.id, transaction))
        }
        let report = NodeReport(
            epoch: epoch,
            bootID: "boot",
            sequence: sequence,
            collectedAt: Date(),
            complete: true,
            hypervisorReachable: true,
            machines: removed.isEmpty ? tasks.map { $0.done() } : [],
            inventory: nil,
            problems: [],
            removedVolumes: removed
        )
        return try await NodeReports(database: database, outbox: outbox, logger: Logger(label: "test"))
            .accept(report, from: node)
    }
}
