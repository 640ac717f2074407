// SPDX-License-Identifier: Apache-2.0

import GantryModel
package import GantryProtocol
package import Logging
import Metrics
package import Postgres

/// Takes in what agents report: one transaction for each report.
package struct NodeReports: Sendable {
    let database: Database
    let limits: PhaseTimeLimits
    let outbox: OutboxSignal
    let placer: MachinePlacer
    let mover: FloatingIPMover
    let logger: Logger
    private let orphans = Counter(label: "gantry.node.orphans")

    package init(
        database: Database,
        limits: PhaseTimeLimits = PhaseTimeLimits(),
        outbox: OutboxSignal,
        logger: Logger
    ) {
        self.database = database
        self.limits = limits
        self.outbox = outbox
        placer = MachinePlacer(database: database, limits: limits, outbox: outbox)
        mover = FloatingIPMover(database: database, limits: limits, outbox: outbox)
        self.logger = logger
        // A counter that begins at 1 has not risen for Prometheus.
        for code in Fault.Code.known { _ = Self.faults(code) }
    }

    /// Applies a report. One that is older than the last is answered, and otherwise ignored.
    ///
    /// - Throws: ``NodeRefusal`` with `outdated` when another agent has taken over since.
    package func accept(_ report: NodeReport, from node: NodeIdentity) async throws -> ReportReceipt {
        try NodeRefusal.check(protocolVersion: report.protocolVersion)
        if report.isHeartbeat { return try await heartbeat(report, from: node) }
        let limits = limits
        let result = try await database.transaction { transaction in
            try ReportTransaction(report: report, node: node, limits: limits, transaction: transaction).run()
        }
        if result.tells { outbox.raise() }
        log(result, node)
        await followUp(result)
        return ReportReceipt(
            revision: result.revision,
            absentVolumes: result.absentVolumes,
            uncleanGPUs: result.uncleanGPUs,
            rotation: result.rotation,
            absentOrphans: result.absentOrphans
        )
    }

    /// What the report made possible. The reconciler does it again when this fails or the process dies before.
    private func followUp(_ result: ReportResult) async {
        for machine in result.unplaced {
            do {
                try await placer.place(machine)
            } catch {
                logger.warning(
                    "A machine that left its node is not placed yet.",
                    metadata: ["vm.id": "\(machine)", "error": "\(error)"]
                )
            }
        }
        guard result.freesFloatingIPs else { return }
        do {
            try await mover.complete()
        } catch {
            logger.warning("A floating IP that moves is not given out yet.", metadata: ["error": "\(error)"])
        }
    }

    /// Notes a report that says nothing but that the node is there. The next one says it again, so nobody waits until it
    /// is on disk.
    private func heartbeat(_ report: NodeReport, from node: NodeIdentity) async throws -> ReportReceipt {
        let results = try await database.atomically([ReportTransaction.header(report, node)], durably: false)
        let header = try ReportTransaction.Header(results[0].rows, report, node)
        if !header.isNewest { logOld(node) }
        if header.isNewest && (header.changesNode || header.isReturning) {
            try await database.atomically([
                StatusCallback.lock(ofNodes: [node.id]), ReportTransaction.nodeState(report, node),
                AbandonedMachines.readmit(node.id), StatusCallback.afterChange(ofNodes: [node.id]),
            ])
        }
        return ReportReceipt(
            revision: header.revision,
            absentVolumes: header.absentVolumes,
            uncleanGPUs: header.uncleanGPUs,
            rotation: header.rotation,
            absentOrphans: header.absentOrphans
        )
    }

    private func log(_ result: ReportResult, _ node: NodeIdentity) {
        if result.isOld { logOld(node) }
        for fault in result.faults { Self.faults(fault.code).increment() }
        for machine in result.settled {
            logger.info(
                "A task was settled",
                metadata: [
                    "task.id": "\(MachineTask.id(of: machine.uuid, at: machine.generation))", "vm.id": "\(machine.id)",
                    "node.name": "\(node.name)", "generation": "\(machine.generation)", "phase": "\(machine.phase)",
                ]
            )
        }
        for orphan in result.orphans {
            logger.warning(
                "A node has a domain of ours that nothing wants there.",
                metadata: ["node.name": "\(node.name)", "vm.uuid": "\(orphan)"]
            )
        }
        orphans.increment(by: result.orphans.count)
        for uuid in result.foreign {
            logger.warning(
                "A node reported on a machine that is not its own; ignored.",
                metadata: ["node.name": "\(node.name)", "vm.uuid": "\(uuid)"]
            )
        }
    }

    /// An agent numbers each report anew, so that only somebody else sends one twice, or a network that did.
    private func logOld(_ node: NodeIdentity) {
        logger.notice("A report that came before was ignored.", metadata: ["node.name": "\(node.name)"])
    }

    private static func faults(_ code: Fault.Code) -> Counter {
        Counter(label: "gantry.machine.faults", dimensions: [("code", code.rawValue)])
    }
}

extension NodeReport {
    /// Whether it has nothing to tell of machines, volumes or of the host.
    fileprivate var isHeartbeat: Bool {
        machines.isEmpty && removedVolumes.isEmpty && inventory == nil && hypervisorReachable
    }
}

/// What a report came to.
struct ReportResult: Sendable {
    /// Of what is wanted of the node, after the report.
    var revision: Int64
    /// Whether it, or a newer one, came before, so that nothing was done.
    var isOld = false
    /// Volumes that the node has to remove.
    var absentVolumes: [AbsentVolume] = []
    /// GPUs that the node has to clean.
    var uncleanGPUs: [UncleanGPU] = []
    /// The rotation of its secrets that the node has to do.
    var rotation: Int64?
    /// Orphans that the node has to take down.
    var absentOrphans: [MachineUUID] = []
    /// Machines that are not the node's, of which it says that nothing is left there.
    var absentStrangers: [MachineUUID] = []
    /// Whether the outbox has something new.
    var tells = false
    /// What machines did not suffer from before.
    var faults: [Fault] = []
    /// Machines of which the newest task is dealt with, well or not.
    var settled: [StoredMachine] = []
    /// Machines that left the node and want another.
    var unplaced: [VirtualMachineID] = []
    /// Whether floating IPs became free, some of which others may wait for.
    var freesFloatingIPs = false
    /// Domains that nothing wants.
    var orphans: [MachineUUID] = []
    /// Machines of other nodes that this one spoke of.
    var foreign: [MachineUUID] = []
}
