// SPDX-License-Identifier: Apache-2.0

import GantryModel
import GantryProtocol
import Postgres

/// A row of the outbox: a node has to be told of a machine.
struct OutboxRow: Sendable {
    let id: Int64
    let node: NodeName
    let machine: VirtualMachineID
    /// The request that caused it.
    let requestID: String?
    /// How often the broker had no queue for it.
    let returns: Int
}

/// Leased rows with the tasks that they ask for now.
struct OutboxBatch: Sendable {
    let rows: [OutboxRow]
    let tasks: [MachineTask]
    /// Machines whose rows make no task, with why.
    let unreadable: [VirtualMachineID: String]
}

/// What became of leased rows.
struct OutboxSettlement: Sendable {
    /// Sent, or needless.
    var done: [Int64] = []
    /// To be tried again soon.
    var again: [Int64] = []
    /// Without a queue; tried again after a wait that doubles.
    var returned: [Int64] = []
}

/// Leases, deletes and puts back rows of the outbox.
struct OutboxStore: Sendable {
    let database: Database

    /// Seconds until a leased row is due again, if its relay dies. Longer than a batch takes.
    private static let lease = 30

    /// Takes up to `limit` rows that are due and that no other relay has, oldest first.
    ///
    /// A lease or a settlement that a crash of the database undoes has a task sent again, which does no harm; so nobody
    /// waits until they are on disk.
    func lease(_ limit: Int) async throws -> OutboxBatch {
        let results = try await database.atomically(
            [
                """
                WITH due AS MATERIALIZED (
                    SELECT id FROM task_outbox WHERE next_attempt_at <= now()
                    ORDER BY next_attempt_at, id LIMIT \(limit) FOR UPDATE SKIP LOCKED
                )
                UPDATE task_outbox o SET next_attempt_at = now() + make_interval(secs => \(Self.lease))
                FROM due, compute_node n WHERE o.id = due.id AND n.id = o.node_id
                RETURNING o.id, n.name AS node, o.vm_id, o.request_id, o.returns
                """
            ],
            durably: false
        )
        let rows = try results[0].rows
            .map { row in
                try OutboxRow(
                    id: row["id"],
                    node: row["node"],
                    machine: row["vm_id"],
                    requestID: row["request_id"],
                    returns: row["returns"]
                )
            }
        guard !rows.isEmpty else { return OutboxBatch(rows: [], tasks: [], unreadable: [:]) }
        let machines = Array(Set(rows.map(\.machine)))
        return try await database.read { transaction in
            var unreadable: [VirtualMachineID: String] = [:]
            let tasks = try MachineTaskStore.tasks(of: machines, transaction) { machine, error in
                unreadable[machine] = "\(error)"
            }
            return OutboxBatch(rows: rows, tasks: tasks, unreadable: unreadable)
        }
    }

    /// Gives leases back, so that the rows are due at once.
    func release(_ rows: [Int64]) async throws {
        try await settle(OutboxSettlement(again: rows))
    }

    /// Writes down what became of leased rows.
    func settle(_ settlement: OutboxSettlement) async throws {
        var statements: [SQL] = []
        if !settlement.done.isEmpty {
            statements.append("DELETE FROM task_outbox WHERE id = ANY (\(settlement.done)::bigint[])")
        }
        if !settlement.again.isEmpty {
            statements.append(
                """
                UPDATE task_outbox SET next_attempt_at = now() WHERE id = ANY (\(settlement.again)::bigint[])
                """
            )
        }
        if !settlement.returned.isEmpty {
            statements.append(
                """
                UPDATE task_outbox SET returns = returns + 1,
                    next_attempt_at = now() + make_interval(secs => 0.2 * 2 ^ returns)
                WHERE id = ANY (\(settlement.returned)::bigint[])
                """
            )
        }
        guard !statements.isEmpty else { return }
        try await database.atomically(statements, durably: false)
    }
}
