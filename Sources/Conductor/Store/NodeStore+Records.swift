// SPDX-License-Identifier: Apache-2.0

import Foundation
import GantryModel
import Postgres

extension NodeStore {
    /// The nodes with these ids, in the order given. Two statements.
    static func records(_ ids: [NodeID], _ transaction: Transaction) throws -> [NodeRecord] {
        guard !ids.isEmpty else { return [] }
        let rows = try transaction.query(
            """
            SELECT n.id, n.name, n.region_id, g.name AS region_name, n.hostname, n.state, n.cordoned, n.cordon_reason,
                n.healthy, n.shrunk, n.unsurveyed, n.schedulable, n.virt_type, n.hypervisor_version, n.agent_version,
                n.vcpus, n.memory_mib, n.disk_gib, n.reserved_vcpus, n.reserved_memory_mib, n.reserved_disk_gib,
                n.limit_vcpus, n.limit_memory_mib, n.limit_disk_gib, n.allocated_vcpus, n.allocated_memory_mib,
                n.allocated_disk_gib, n.vcpu_ratio, n.memory_ratio, n.disk_ratio, n.memory_page_mib, n.created_at,
                n.drain_policy, n.drain_since, n.drain_left, n.drain_staying, n.drain_obstacle, n.drained_at,
                n.declared_dead_at, n.fenced_by, coalesce(r.problems, '{}') AS problems, r.received_at, r.boot_id,
                CASE WHEN n.api_key_digest IS NULL THEN 'revoked' WHEN n.rotated < n.rotation THEN 'rotating'
                    ELSE 'valid' END AS credentials,
                (SELECT count(*) FROM virtual_machine vm WHERE vm.node_id = n.id) AS machines
            FROM compute_node n JOIN region g ON g.id = n.region_id LEFT JOIN node_report r ON r.node_id = n.id
            WHERE n.id = ANY (\(ids)::bigint[])
            """
        )
        let gpus = Dictionary(grouping: try GPUStore.records(of: ids, transaction), by: \.node)
        let records = try rows.map { row in try record(row, gpus[try row["name"]] ?? []) }
        let byID = Dictionary(records.map { ($0.id, $0) }) { first, _ in first }
        return ids.compactMap { byID[$0] }
    }

    private static func record(_ row: Row, _ gpus: [GPURecord]) throws -> NodeRecord {
        try NodeRecord(
            id: row["id"],
            name: row["name"],
            regionID: row["region_id"],
            regionName: row["region_name"],
            hostname: row["hostname"],
            state: row["state"],
            credentials: row["credentials"],
            cordoned: row["cordoned"],
            cordonReason: row["cordon_reason"],
            drain: drain(row),
            declaredDeadAt: row["declared_dead_at"],
            fencedBy: row["fenced_by"],
            healthy: row["healthy"],
            problems: row["problems"],
            shrunk: row["shrunk"],
            unsurveyed: row["unsurveyed"],
            schedulable: row["schedulable"],
            virtType: row["virt_type"],
            hypervisorVersion: row["hypervisor_version"],
            agentVersion: row["agent_version"],
            total: row.resources,
            reserved: resources("reserved", row),
            ratios: OvercommitRatios(vcpu: row["vcpu_ratio"], memory: row["memory_ratio"], disk: row["disk_ratio"]),
            memoryPageMiB: row["memory_page_mib"],
            limit: resources("limit", row),
            allocated: resources("allocated", row),
            gpus: gpus,
            machineCount: row["machines"],
            lastReportAt: row["received_at"],
            bootID: row["boot_id"],
            createdAt: row["created_at"]
        )
    }

    private static func drain(_ row: Row) throws -> NodeDrainRecord? {
        guard let policy: DrainPolicy = try row["drain_policy"], let since: Date = try row["drain_since"] else {
            return nil
        }
        return try NodeDrainRecord(
            policy: policy,
            since: since,
            left: row["drain_left"],
            staying: row["drain_staying"],
            obstacle: row["drain_obstacle"],
            finishedAt: row["drained_at"]
        )
    }

    private static func resources(_ prefix: String, _ row: Row) throws -> Resources {
        try Resources(
            vcpus: row["\(prefix)_vcpus"],
            memoryMiB: row["\(prefix)_memory_mib"],
            diskGiB: row["\(prefix)_disk_gib"]
        )
    }
}
