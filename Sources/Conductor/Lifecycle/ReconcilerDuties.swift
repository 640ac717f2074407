// SPDX-License-Identifier: Apache-2.0

import GantryModel
import Postgres

/// What a reconciler does, each duty bounded in rows, so that no round takes long.
struct ReconcilerDuties: Sendable {
    let database: Database
    let limits: PhaseTimeLimits
    let intervals: NodeIntervals
    let retention: Retention
    let unplaced: UnplacedMachines
    let mover: FloatingIPMover
    let drain: NodeDrain
    let outbox: OutboxSignal
    /// Nil where there is no image store.
    var images: ImageFiles?

    private static let batch = 200
    /// Samples go in larger ones: each machine brings one a minute.
    private static let metricsBatch = 2000
    private static let metricsBatches = 10
    /// Seconds after which a node that neither applied nor works on a generation is told again.
    private static let resendAfter = 60

    /// Nodes without a report for too long. Their machines are UNKNOWN as long as that lasts, nothing else changes.
    func markSilentNodes() async throws -> Int {
        try await database.transaction { transaction in
            let silent: [NodeID] =
                try transaction.query(
                    """
                    SELECT n.id FROM compute_node n JOIN node_report r ON r.node_id = n.id
                    WHERE n.state = 'up' AND r.received_at
                        < now() - make_interval(secs => r.interval_seconds * \(intervals.missedReports))
                    """
                )
                .map { try $0["id"] }
            guard !silent.isEmpty else { return 0 }
            try transaction.execute(StatusCallback.lock(ofNodes: silent))
            // One may have spoken meanwhile.
            let rows = try transaction.query(
                """
                UPDATE compute_node n SET state = 'silent' FROM node_report r
                WHERE r.node_id = n.id AND n.state = 'up' AND n.id = ANY (\(silent)::bigint[])
                    AND r.received_at
                        < now() - make_interval(secs => r.interval_seconds * \(intervals.missedReports))
                RETURNING n.id
                """
            )
            guard !rows.isEmpty else { return 0 }
            try transaction.execute(StatusCallback.afterChange(ofNodes: rows.map { try $0["id"] }))
            return rows.count
        }
    }

    /// Machines whose phase lasted too long.
    func expirePhases() async throws -> Int {
        var total = 0
        while true {
            let count = try await database.transaction { [limits] transaction in
                let rows = try transaction.query(
                    """
                    WITH late AS MATERIALIZED (
                        SELECT id FROM virtual_machine WHERE deadline_at < now()
                        ORDER BY id LIMIT \(Self.batch) FOR UPDATE SKIP LOCKED
                    )
                    SELECT \(raw: StoredMachine.columns), vm.memory_mib, coalesce(n.state = 'silent', false) AS node_silent
                    FROM late JOIN virtual_machine vm ON vm.id = late.id
                        LEFT JOIN compute_node n ON n.id = vm.node_id
                    """
                )
                let transitions = try rows.map { row in
                    let machine = try StoredMachine(row)
                    let limit = try limits.limit(of: machine.phase, memoryMiB: row["memory_mib"]) ?? .zero
                    return machine.afterTimeLimit(limit, nodeSilent: try row["node_silent"])
                }
                try TransitionWriter(limits: limits).write(transitions, node: nil, transaction)
                return transitions.count
            }
            total += count
            if count < Self.batch { return total }
        }
    }

    /// Jobs that no node did in time. Their machines' next tasks no longer name them.
    func expireJobs() async throws {
        try await database.transaction { transaction in
            try transaction.execute(
                """
                UPDATE machine_job SET state = 'failed', fault_code = \(Fault.Code.timeLimit),
                    fault_message = 'The node did not do it in time.'
                WHERE ctid = ANY (ARRAY(SELECT ctid FROM machine_job WHERE state = 'pending' AND expires_at < now()
                    LIMIT \(Self.batch) FOR UPDATE SKIP LOCKED))
                """
            )
        }
    }

    /// Snapshots whose jobs came to nothing, and files that nothing stands on any more.
    func settleSnapshots() async throws {
        _ = try await database.transaction { try $0.execute(SnapshotFileStore.settlement) }
        guard let images else { return }
        let store = SnapshotFileStore(database: database)
        for image in try await store.unused() {
            try await images.remove(image)
            try await store.noteRemoval(of: image)
        }
    }

    /// Tells nodes again of what they neither applied nor work on. A silent node is not told: it asks when it is back.
    func resend() async throws {
        let count = try await database.transaction { transaction in
            try transaction.execute(
                """
                WITH stale AS MATERIALIZED (
                    SELECT vm.id, vm.node_id FROM virtual_machine vm JOIN compute_node n ON n.id = vm.node_id
                    WHERE vm.deadline_at IS NOT NULL AND vm.applied_generation < vm.generation
                        AND vm.activity_step IS NULL AND n.state = 'up'
                        AND greatest(vm.phase_since, vm.resent_at)
                            < now() - make_interval(secs => \(Self.resendAfter))
                        AND NOT EXISTS (SELECT FROM task_outbox o WHERE o.vm_id = vm.id)
                    ORDER BY vm.id LIMIT \(Self.batch) FOR UPDATE OF vm SKIP LOCKED
                ), told AS (
                    INSERT INTO task_outbox (node_id, vm_id) SELECT node_id, id FROM stale
                )
                UPDATE virtual_machine vm SET resent_at = now() FROM stale WHERE vm.id = stale.id
                """
            )
        }
        if count > 0 { outbox.raise() }
    }

    /// Deletes machines' samples that only belong to series that do not reach back so far.
    func thinMetrics() async throws {
        for granularity in MetricGranularity.allCases {
            let statement: SQL = """
                DELETE FROM vm_metric WHERE ctid = ANY (ARRAY(SELECT ctid FROM vm_metric
                    WHERE granularity = \(granularity.rawValue) AND minute < now() - make_interval(hours => \(granularity.kept))
                    LIMIT \(Self.metricsBatch) FOR UPDATE SKIP LOCKED))
                """
            for _ in 1...Self.metricsBatches {
                let count = try await database.atomically([statement], durably: false)[0].affected
                if count < Self.metricsBatch { break }
            }
        }
    }

    /// Deletes what nobody needs any more, some rows of each kind at a time.
    func prune() async throws {
        let statements: [SQL] = [
            """
            DELETE FROM idempotency_key WHERE ctid = ANY (ARRAY(SELECT ctid FROM idempotency_key
                WHERE created_at < now() - make_interval(secs => \(retention.idempotencyKeys.seconds)) LIMIT 1000))
            """,
            """
            DELETE FROM task_outbox WHERE ctid = ANY (ARRAY(SELECT ctid FROM task_outbox
                WHERE created_at < now() - make_interval(secs => \(retention.tasks.seconds))
                LIMIT 1000 FOR UPDATE SKIP LOCKED))
            """,
            """
            DELETE FROM vm_event WHERE ctid = ANY (ARRAY(SELECT ctid FROM vm_event
                WHERE created_at < now() - make_interval(secs => \(retention.events.seconds)) LIMIT 1000))
            """,
            """
            DELETE FROM virtual_machine WHERE ctid = ANY (ARRAY(SELECT ctid FROM virtual_machine
                WHERE deleted_at < now() - make_interval(secs => \(retention.events.seconds))
                LIMIT 100 FOR UPDATE SKIP LOCKED))
            """,
            """
            DELETE FROM volume WHERE ctid = ANY (ARRAY(SELECT ctid FROM volume
                WHERE deleted_at < now() - make_interval(secs => \(retention.events.seconds))
                LIMIT 100 FOR UPDATE SKIP LOCKED))
            """,
            """
            DELETE FROM gpu_use WHERE ctid = ANY (ARRAY(SELECT u.ctid FROM gpu_use u JOIN gpu_device d ON d.id = u.gpu_id
                WHERE u.created_at < now() - make_interval(secs => \(retention.gpuUses.seconds)) AND u.claim < d.claim
                LIMIT 1000 FOR UPDATE OF u SKIP LOCKED))
            """,
            """
            DELETE FROM image WHERE ctid = ANY (ARRAY(SELECT i.ctid FROM image i
                WHERE i.deleted_at < now() - make_interval(secs => \(retention.events.seconds))
                    AND NOT EXISTS (SELECT FROM virtual_machine vm WHERE vm.image_id = i.id)
                    AND NOT EXISTS (SELECT FROM volume v WHERE v.image_id = i.id)
                    AND NOT EXISTS (SELECT FROM snapshot s WHERE s.base_image_id = i.id)
                LIMIT 100 FOR UPDATE SKIP LOCKED))
            """,
            """
            DELETE FROM snapshot WHERE ctid = ANY (ARRAY(SELECT s.ctid FROM snapshot s
                WHERE s.deleted_at < now() - make_interval(secs => \(retention.events.seconds)) AND s.bytes = 0
                    AND NOT EXISTS (SELECT FROM image i WHERE i.snapshot_id = s.id)
                LIMIT 100 FOR UPDATE SKIP LOCKED))
            """,
            """
            DELETE FROM dead_letter WHERE ctid = ANY (ARRAY(SELECT ctid FROM dead_letter
                WHERE created_at < now() - make_interval(secs => \(retention.deadLetters.seconds)) LIMIT 1000))
            """,
            """
            DELETE FROM callback_delivery WHERE ctid = ANY (ARRAY(SELECT ctid FROM callback_delivery
                WHERE state <> 'waiting' AND updated_at < now() - make_interval(secs => \(retention.callbacks.seconds))
                LIMIT 1000 FOR UPDATE SKIP LOCKED))
            """,
            "DELETE FROM callback_secret WHERE expires_at < now()",
            "DELETE FROM join_token WHERE expires_at < now() - make_interval(secs => \(retention.events.seconds))",
            """
            DELETE FROM console WHERE ctid = ANY (ARRAY(SELECT ctid FROM console
                WHERE created_at < now() - make_interval(secs => \(retention.jobs.seconds)) LIMIT 1000))
            """,
            """
            DELETE FROM machine_job WHERE ctid = ANY (ARRAY(SELECT ctid FROM machine_job
                WHERE state <> 'pending' AND created_at < now() - make_interval(secs => \(retention.jobs.seconds))
                LIMIT 1000 FOR UPDATE SKIP LOCKED))
            """,
        ]
        for statement in statements {
            _ = try await database.transaction { try $0.execute(statement) }
        }
    }
}
