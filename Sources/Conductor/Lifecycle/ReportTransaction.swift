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
        let uuids = Array(Set(report.machines.map(\.uuid)))
        let looks = try transaction.together(
            [Self.header(report, node)] + (uuids.isEmpty ? [] : [StoredMachine.lock(uuids)])
        )
        let header = try Header(looks[0].rows, report, node)
        var result = ReportResult(
            revision: header.revision,
            absentVolumes: header.absentVolumes,
            uncleanGPUs: header.uncleanGPUs,
            rotation: header.rotation,
            absentOrphans: header.absentOrphans
        )
        guard header.isNewest else {
            result.isOld = true
            return result
        }
        let stored = try looks.dropFirst().flatMap(\.rows).map { try StoredMachine($0) }
        let transitions = transitions(of: stored, &result)
        let writer = TransitionWriter(limits: limits)
        let touchesOthers = !report.hypervisorReachable || header.changesNode
        var statements = touchesOthers ? [StatusCallback.lock(ofNodes: [node.id])] : []
        if !report.hypervisorReachable { statements.append(lossOfSight) }
        if report.inventory != nil { statements.append(GPUInventoryStore.lockMachines(on: node.id)) }
        // The node's state before the machines, whose status depends on it.
        if header.changesNode { statements.append(Self.nodeState(report, node)) }
        statements += writer.statements(transitions, node: node.id)
        result.tells = writer.tells(transitions, node: node.id)
        if touchesOthers { statements.append(StatusCallback.afterChange(ofNodes: [node.id])) }
        if !result.absentStrangers.isEmpty { statements += OrphanStore.release(result.absentStrangers, on: node.id) }
        if !report.removedVolumes.isEmpty {
            try VolumeRemoval.confirm(report.removedVolumes, by: node.id, transaction)
        }
        if header.isReturning {
            statements += [
                AbandonedMachines.confirm(report.machines, by: node.id), AbandonedMachines.readmit(node.id),
            ]
            // What it has to take down is told once more by its next looks, if it is of nobody then.
            (result.orphans, result.foreign) = ([], [])
        }
        guard !statements.isEmpty else { return result }
        let raisesRevision = transitions.contains { $0.leavesNode || $0.releasesCompute || $0.tellsNode }
        if raisesRevision { statements.append(Self.lookAfterwards(node)) }
        let answers = try transaction.together(statements)
        // After the machines, whose units are theirs until then.
        if let inventory = report.inventory { try InventoryStore.write(inventory, of: node.id, transaction) }
        if raisesRevision, let row = answers.last?.rows.first {
            (result.revision, result.uncleanGPUs) = (try row["revision"], try GPUCleaning.units(row))
        }
        let former = Dictionary(stored.map { ($0.id, $0) }) { first, _ in first }
        result.faults = transitions.compactMap { transition in
            transition.machine.fault == former[transition.machine.id]?.fault ? nil : transition.machine.fault
        }
        result.settled = transitions.map(\.machine)
            .filter { machine in
                machine.appliedGeneration == machine.generation
                    && machine.appliedGeneration != former[machine.id]?.appliedGeneration
            }
        result.freesFloatingIPs = transitions.contains(where: \.endsFloatingIP)
        result.unplaced = transitions.filter { $0.leavesNode && $0.machine.phase != .deleted }.map(\.machine.id)
        return result
    }

    /// The node as it was before the report.
    struct Header {
        let revision: Int64
        /// Whether no report of this or a later number came before.
        let isNewest: Bool
        /// Whether the node was silent, or as well or ill as it no longer is.
        let changesNode: Bool
        /// Whether the node was declared dead, and may still have what it had then.
        let isReturning: Bool
        let absentVolumes: [AbsentVolume]
        let uncleanGPUs: [UncleanGPU]
        /// The rotation of the node's secrets that is to be done.
        let rotation: Int64?
        let absentOrphans: [MachineUUID]

        /// Reads the answer to ``ReportTransaction/header(_:_:)``.
        ///
        /// - Throws: ``NodeRefusal`` with `outdated` when another agent has taken over, with `overtaken` when that was this
        ///   host's own, and with `unsurveyed` when the database was restored.
        init(_ rows: [Row], _ report: NodeReport, _ node: NodeIdentity) throws {
            if let row = rows.first, try row["dead"] {
                throw NodeRefusal(
                    .declaredDead,
                    "Node \(node.name) was declared dead, and its machines may run elsewhere. It has to begin a new session, "
                        + "which says what must not run on it any more."
                )
            }
            guard let row = rows.first, try row["epoch"] == report.epoch else {
                if let row = rows.first, try row["unsurveyed"] || (row["epoch"] as Int64) < report.epoch {
                    throw NodeRefusal.unsurveyed(node)
                }
                if let row = rows.first, try (row["boot_id"] as String?) == report.bootID {
                    throw NodeRefusal(
                        .overtaken,
                        "Epoch \(report.epoch) of node \(node.name) is over: this host has begun a newer session, maybe by "
                            + "a request that came late. Its agent has to begin another one."
                    )
                }
                throw NodeRefusal(
                    .outdated,
                    "Epoch \(report.epoch) of node \(node.name) is over: another agent, or this one before the host's "
                        + "last boot, has a newer session. Two hosts with one identity must not run; stop this agent if it "
                        + "goes on."
                )
            }
            revision = try row["revision"]
            isNewest = try row["is_newest"]
            absentVolumes = try VolumeRemoval.volumes(row)
            uncleanGPUs = try GPUCleaning.units(row)
            rotation = try row["rotation"]
            absentOrphans = try row["absent_orphans"]
            changesNode = try row["silent"] || row["healthy"] != report.problems.isEmpty
            isReturning = try row["returning"]
        }
    }

    /// Notes the report as the node's last, if it is.
    static func header(_ report: NodeReport, _ node: NodeIdentity) -> SQL {
        """
        WITH accepted AS (
            UPDATE node_report last
            SET epoch = n.epoch, boot_id = \(report.bootID), sequence = \(report.sequence),
                collected_at = \(report.collectedAt), received_at = now(), complete = \(report.complete),
                hypervisor_reachable = \(report.hypervisorReachable), problems = \(report.problems)::text[]
            FROM compute_node n
            WHERE last.node_id = \(node.id) AND n.id = \(node.id) AND n.epoch = \(report.epoch)
                AND (last.epoch, last.sequence) < (n.epoch, \(report.sequence)::bigint)
            RETURNING 1
        )
        SELECT n.epoch, n.revision, n.state = 'silent' AS silent, n.state = 'dead' AS dead,
            n.declared_dead_at IS NOT NULL OR EXISTS (
                SELECT FROM abandoned_machine m WHERE m.node_id = n.id) AS returning, n.healthy, n.unsurveyed,
            EXISTS (SELECT FROM accepted) AS is_newest, \(raw: VolumeRemoval.column),
            \(raw: GPUCleaning.column), \(raw: OrphanStore.removals),
            CASE WHEN n.rotation > n.rotated THEN n.rotation END AS rotation,
            (SELECT boot_id FROM node_report r WHERE r.node_id = n.id) AS boot_id
        FROM compute_node n WHERE n.id = \(node.id)
        """
    }

    /// What the header said, where it is otherwise after the report: what machines gave up is to be cleaned at once.
    private static func lookAfterwards(_ node: NodeIdentity) -> SQL {
        "SELECT n.revision, \(raw: GPUCleaning.column) FROM compute_node n WHERE n.id = \(node.id)"
    }

    /// What changes for the machines that the report names and that are this node's.
    private func transitions(of stored: [StoredMachine], _ result: inout ReportResult) -> [MachineTransition] {
        let reports = Dictionary(report.machines.map { ($0.uuid, $0) }) { _, last in last }
        let own = stored.filter { $0.nodeID == node.id }
        result.foreign = stored.filter { $0.nodeID != node.id }.map(\.uuid)
        let known = Set(stored.map(\.uuid))
        // A machine may have been placed where an orphan of it is.
        let settled = Set(own.filter { !$0.hasOrphan }.map(\.uuid))
        result.absentStrangers = reports.values
            .filter { $0.power == .absent && $0.fault == nil && !settled.contains($0.uuid) }.map(\.uuid)
        result.orphans = reports.values.filter { $0.power != .absent && !known.contains($0.uuid) }.map(\.uuid)
        return own.compactMap { machine in
            guard let report = reports[machine.uuid] else { return nil }
            let transition = machine.after(report)
            return transition == MachineTransition(of: machine) ? nil : transition
        }
    }

    /// Marks as unknown what the report does not name: libvirt does not answer there.
    private var lossOfSight: SQL {
        """
        WITH unseen AS (
            SELECT id FROM virtual_machine
            WHERE node_id = \(node.id) AND observed_power <> 'unknown'
                AND uuid <> ALL (\(report.machines.map(\.uuid))::uuid[])
            ORDER BY id FOR UPDATE
        )
        UPDATE virtual_machine vm SET observed_power = 'unknown' FROM unseen WHERE vm.id = unseen.id
        """
    }

    /// Writes that the node is up, and whether it is well, unless it was declared dead since.
    static func nodeState(_ report: NodeReport, _ node: NodeIdentity) -> SQL {
        """
        UPDATE compute_node SET state = 'up', healthy = \(report.problems.isEmpty)
        WHERE id = \(node.id) AND epoch = \(report.epoch)
        """
    }
}
