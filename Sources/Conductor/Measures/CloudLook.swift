// SPDX-License-Identifier: Apache-2.0

import GantryModel
import Observability
import Postgres

/// What one look at the database says of the whole cloud, ready to be told.
struct CloudLook: Sendable {
    typealias Values = [GaugeFamily.Labels: Double]

    /// How many there are by phase, those of none too.
    private(set) var machines: Values
    /// Since when the one is in a phase that is longest in it, by phase that does not last.
    private(set) var machineAges: Values
    /// By state.
    private(set) var nodes: Values
    /// 1 or 0, by node.
    private(set) var schedulable: Values = [:]
    /// By node, but for those that were declared dead.
    private(set) var reportAges: Values = [:]
    /// By region and dimension, what up nodes have to give and what of it is given out.
    private(set) var capacity: Values = [:]
    /// By type and state.
    private(set) var gpus: Values = [:]
    /// Since when the one is to be cleaned that waits longest, by type.
    private(set) var gpuCleaningAges: Values = [:]
    private(set) var outbox: Backlog
    private(set) var callbacks: Backlog

    /// Rows that wait, and the age of the oldest.
    struct Backlog: Sendable {
        let rows: Double
        let seconds: Double
    }

    init(_ transaction: Transaction) throws {
        let phases = MachinePhase.allCases.filter { $0 != .deleted }
        machines = Dictionary(uniqueKeysWithValues: phases.map { (["phase": $0.rawValue], 0) })
        machineAges = Dictionary(
            uniqueKeysWithValues: phases.filter(\.isTransitional).map { (["phase": $0.rawValue], 0) }
        )
        nodes = Dictionary(uniqueKeysWithValues: ["new", "up", "silent", "dead"].map { (["state": $0], 0) })
        outbox = try Self.backlog("SELECT created_at FROM task_outbox", transaction)
        callbacks = try Self.backlog("SELECT created_at FROM callback_delivery WHERE state = 'waiting'", transaction)
        try lookAtMachines(transaction)
        try lookAtNodes(transaction)
        try lookAtCapacity(transaction)
        try lookAtGPUs(transaction)
        try lookAtGPUCleaning(transaction)
    }

    private static func backlog(_ rows: StaticString, _ transaction: Transaction) throws -> Backlog {
        let found = try transaction.query(
            """
            SELECT count(*)::double precision AS rows,
                coalesce(extract(epoch FROM now() - min(created_at)), 0)::double precision AS age
            FROM (\(raw: rows)) AS waiting
            """
        )
        return try Backlog(rows: found[0]["rows"], seconds: found[0]["age"])
    }

    private mutating func lookAtMachines(_ transaction: Transaction) throws {
        let rows = try transaction.query(
            """
            SELECT phase, count(*)::double precision AS count,
                extract(epoch FROM now() - min(phase_since))::double precision AS age
            FROM virtual_machine WHERE deleted_at IS NULL GROUP BY phase
            """
        )
        for row in rows {
            let labels: GaugeFamily.Labels = ["phase": try row["phase"]]
            machines[labels] = try row["count"]
            if machineAges[labels] != nil { machineAges[labels] = try row["age"] }
        }
    }

    private mutating func lookAtNodes(_ transaction: Transaction) throws {
        let rows = try transaction.query(
            """
            SELECT n.name, n.state, n.schedulable,
                extract(epoch FROM now() - r.received_at)::double precision AS age
            FROM compute_node n LEFT JOIN node_report r ON r.node_id = n.id AND n.state <> 'dead'
            """
        )
        for row in rows {
            let labels: GaugeFamily.Labels = ["node": try row["name"]]
            nodes[["state": try row["state"]], default: 0] += 1
            schedulable[labels] = try row["schedulable"] ? 1 : 0
            reportAges[labels] = try row["age"] as Double?
        }
    }

    private mutating func lookAtCapacity(_ transaction: Transaction) throws {
        let rows = try transaction.query(
            """
            SELECT r.name AS region, d.dimension,
                coalesce(sum(d.given) FILTER (WHERE n.state = 'up'), 0)::double precision AS given,
                coalesce(sum(d.total) FILTER (WHERE n.state = 'up'), 0)::double precision AS total
            FROM compute_node n JOIN region r ON r.id = n.region_id
                CROSS JOIN LATERAL (VALUES
                    ('vcpus', n.limit_vcpus, n.allocated_vcpus),
                    ('memory_mib', n.limit_memory_mib, n.allocated_memory_mib),
                    ('disk_gib', n.limit_disk_gib, n.allocated_disk_gib)) AS d (dimension, total, given)
            GROUP BY r.name, d.dimension
            """
        )
        for row in rows {
            let labels: GaugeFamily.Labels = ["region": try row["region"], "dimension": try row["dimension"]]
            capacity[labels.merging(["kind": "total"]) { $1 }] = try row["total"]
            capacity[labels.merging(["kind": "allocated"]) { $1 }] = try row["given"]
        }
    }

    private mutating func lookAtGPUs(_ transaction: Transaction) throws {
        let rows = try transaction.query(
            """
            SELECT t.gpu_type, s.state, count(d.id)::double precision AS units
            FROM (SELECT DISTINCT gpu_type FROM gpu_device) AS t
                CROSS JOIN unnest(\(GPURecord.State.allCases.map(\.rawValue))::text[]) AS s (state)
                LEFT JOIN gpu_device d ON d.gpu_type = t.gpu_type AND d.told_state = s.state
            GROUP BY t.gpu_type, s.state
            """
        )
        for row in rows { gpus[["gpu_type": try row["gpu_type"], "state": try row["state"]]] = try row["units"] }
    }

    /// Only of units that somebody can clean: not those that are missing, that an orphan has, or of a dead node.
    private mutating func lookAtGPUCleaning(_ transaction: Transaction) throws {
        let rows = try transaction.query(
            """
            SELECT d.gpu_type, coalesce(extract(epoch FROM now() - min(coalesce(u.released_at, u.created_at)) FILTER
                (WHERE d.told_state = 'sanitizing' AND d.present AND n.state <> 'dead')), 0)::double precision AS age
            FROM gpu_device d JOIN compute_node n ON n.id = d.node_id
                JOIN gpu_use u ON u.gpu_id = d.id AND u.claim = d.claim
            GROUP BY d.gpu_type
            """
        )
        for row in rows { gpuCleaningAges[["gpu_type": try row["gpu_type"]]] = try row["age"] }
    }
}
