// SPDX-License-Identifier: Apache-2.0

import Foundation
import GantryModel
import GantryProtocol
import Postgres

/// The transaction that applies one report.
///
/// It locks the node's last report, then machines by id, then the node: reports of one node come one after the other,
/// and nobody else locks in another order.
struct ReportTransaction {
    let report: NodeReport
    let node: NodeIdentity
    let limits: PhaseTimeLimits
    let transaction: Transaction

    func run() throws -> ReportResult {
        let header = try acceptHeader()
        var result = ReportResult(revision: header.revision)
        guard header.isNewest else { return result }
        let transitions = try transitions(&result)
        let writer = TransitionWriter(limits: limits, transaction: transaction)
        result.tells = try writer.write(transitions, node: node.id)
        if !report.hypervisorReachable { try loseSight() }
        let healthy = report.problems.isEmpty
        if header.silent || header.healthy != healthy {
            try transaction.execute(
                "UPDATE compute_node SET state = 'up', healthy = \(healthy) WHERE id = \(node.id)"
            )
        }
        if let inventory = report.inventory {
            try InventoryStore(transaction: transaction).write(inventory, of: node.id)
        }
        result.unplaced = transitions.filter { $0.leavesNode && $0.machine.phase != .deleted }.map(\.machine.id)
        if transitions.contains(where: { $0.leavesNode || $0.tellsNode }) {
            result.revision = try revision()
        }
        return result
    }

    private struct Header {
        let revision: Int64
        let silent: Bool
        let healthy: Bool
        /// Whether no report of this or a later number came before.
        let isNewest: Bool
    }

    /// Notes the report as the node's last, if it is.
    private func acceptHeader() throws -> Header {
        let rows = try transaction.query(
            """
            WITH accepted AS (
                INSERT INTO node_report AS last (node_id, epoch, boot_id, sequence, collected_at, received_at, complete,
                    hypervisor_reachable, problems)
                SELECT n.id, n.epoch, \(report.bootID), \(report.sequence), \(report.collectedAt), now(),
                    \(report.complete), \(report.hypervisorReachable), \(report.problems)::text[]
                FROM compute_node n WHERE n.id = \(node.id) AND n.epoch = \(report.epoch)
                ON CONFLICT (node_id) DO UPDATE SET epoch = excluded.epoch, boot_id = excluded.boot_id,
                    sequence = excluded.sequence, collected_at = excluded.collected_at,
                    received_at = excluded.received_at, complete = excluded.complete,
                    hypervisor_reachable = excluded.hypervisor_reachable, problems = excluded.problems
                WHERE (last.epoch, last.sequence) < (excluded.epoch, excluded.sequence)
                RETURNING 1
            )
            SELECT n.epoch, n.revision, n.state = 'silent' AS silent, n.healthy,
                EXISTS (SELECT FROM accepted) AS is_newest
            FROM compute_node n WHERE n.id = \(node.id)
            """
        )
        guard let row = rows.first, try row["epoch"] == report.epoch else {
            throw NodeRefusal(
                .outdated,
                "Epoch \(report.epoch) of node \(node.name) is over: another agent, or this one after a restart, has "
                    + "opened a newer session. Two hosts with one identity must not run; stop this agent if it goes on."
            )
        }
        return try Header(
            revision: row["revision"],
            silent: row["silent"],
            healthy: row["healthy"],
            isNewest: row["is_newest"]
        )
    }

    /// What changes for the machines that the report names and that are this node's.
    private func transitions(_ result: inout ReportResult) throws -> [MachineTransition] {
        guard !report.machines.isEmpty else { return [] }
        let reports = Dictionary(report.machines.map { ($0.uuid, $0) }) { _, last in last }
        let stored = try StoredMachine.lock(Array(reports.keys), transaction)
        let own = stored.filter { $0.nodeID == node.id }
        result.foreign = stored.filter { $0.nodeID != node.id }.map(\.uuid)
        let known = Set(stored.map(\.uuid))
        result.orphans = reports.values.filter { $0.power != .absent && !known.contains($0.uuid) }.map(\.uuid)
        return own.compactMap { machine in
            guard let report = reports[machine.uuid] else { return nil }
            let transition = machine.after(report)
            return transition == MachineTransition(of: machine) ? nil : transition
        }
    }

    /// Marks as unknown what the report does not name: libvirt does not answer there.
    private func loseSight() throws {
        try transaction.execute(
            """
            WITH unseen AS (
                SELECT id FROM virtual_machine
                WHERE node_id = \(node.id) AND observed_power <> 'unknown'
                    AND uuid <> ALL (\(report.machines.map(\.uuid))::uuid[])
                ORDER BY id FOR UPDATE
            )
            UPDATE virtual_machine vm SET observed_power = 'unknown' FROM unseen WHERE vm.id = unseen.id
            """
        )
    }

    private func revision() throws -> Int64 {
        guard
            let row = try transaction.query("SELECT revision FROM compute_node WHERE id = \(node.id)").first
        else { return 0 }
        return try row["revision"]
    }
}
