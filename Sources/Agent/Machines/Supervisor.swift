// SPDX-License-Identifier: Apache-2.0

package import GantryModel
package import GantryProtocol
import Logging

/// Keeps a worker for every machine of the journal, and has them look when there is a reason to.
package actor Supervisor {
    /// What happens to a domain with our mark that nobody wants.
    package enum OrphanPolicy: String, Sendable, CaseIterable {
        /// Nothing but a report.
        case report
        /// It is shut off.
        case stop
        /// It is taken down with all that is its own.
        case remove
    }

    private let tools: MachineWorker.Tools
    private let orphanPolicy: OrphanPolicy
    private var workers: [MachineUUID: MachineWorker] = [:]

    package init(_ tools: MachineWorker.Tools, orphanPolicy: OrphanPolicy) {
        (self.tools, self.orphanPolicy) = (tools, orphanPolicy)
    }

    /// Takes a task: when this returns it is on disk, and its machine's worker knows.
    package func take(_ task: MachineTask) async throws(Fault) {
        let isNew = try await tools.observer.around(.journal) { () async throws(Fault) in
            try await tools.journal.take(task)
        }
        let worker = worker(task.uuid)
        if isNew {
            tools.logger.info(
                "Took a task",
                metadata: [
                    "task.id": "\(task.taskID)", "vm.uuid": "\(task.uuid)", "vm.id": "\(task.machineID)",
                    "generation": "\(task.generation)", "power": "\(task.power.rawValue)",
                ]
            )
            await worker.supersede()
        } else {
            await worker.poke()
        }
    }

    /// Takes everything that is wanted of the node. A machine that is not named is left as it is.
    package func take(_ desired: DesiredState) async throws(Fault) {
        for task in desired.machines { try await take(task) }
    }

    /// Has every machine looked at, and finds what nobody wants.
    package func lookAtAll() async {
        for entry in await tools.journal.all { await worker(entry.task.uuid).poke() }
        do throws(Fault) {
            for domain in try await tools.host.domains() where await tools.journal.entry(domain.uuid) == nil {
                await deal(withOrphan: domain)
            }
        } catch {
            tools.logger.notice("The host could not be looked at", metadata: ["error": "\(error)"])
        }
    }

    /// Has one machine looked at.
    package func look(at uuid: MachineUUID) async {
        guard await tools.journal.entry(uuid) != nil else { return }
        await worker(uuid).poke()
    }

    /// Waits until no worker works.
    package func settle() async {
        for worker in workers.values { await worker.settle() }
    }

    private func worker(_ uuid: MachineUUID) -> MachineWorker {
        if let worker = workers[uuid] { return worker }
        let worker = MachineWorker(uuid, tools)
        workers[uuid] = worker
        return worker
    }

    // MARK: - Orphans

    private func deal(withOrphan domain: ObservedDomain) async {
        tools.logger.warning(
            "A domain with our mark is wanted by nobody",
            metadata: [
                "vm.uuid": "\(domain.uuid)", "vm.id": "\(domain.mark.machineID)", "policy": "\(orphanPolicy.rawValue)",
            ]
        )
        let task = MachineTask(
            node: tools.node,
            machineID: domain.mark.machineID,
            uuid: domain.uuid,
            generation: domain.mark.generation,
            power: .absent,
            bootCounter: 0,
            spec: nil
        )
        do throws(Fault) {
            for step in steps(for: domain) { try await tools.host.perform(step, for: task) { _ in } }
        } catch {
            tools.logger.warning("An orphan could not be dealt with", metadata: ["error": "\(error)"])
        }
        await tools.reporter.report(
            MachineReport(
                uuid: domain.uuid,
                appliedGeneration: domain.mark.generation,
                power: orphanPolicy == .report && domain.state == .running ? .running : .stopped,
                orphan: true
            )
        )
    }

    private func steps(for domain: ObservedDomain) -> [ConvergenceStep] {
        switch orphanPolicy {
        case .report: []
        case .stop: domain.state == .running ? [.shutDown] : []
        case .remove: ConvergencePlan.tearDown.stages.flatMap { $0 }
        }
    }
}
