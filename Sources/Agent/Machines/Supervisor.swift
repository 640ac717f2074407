// SPDX-License-Identifier: Apache-2.0

package import GantryModel
package import GantryProtocol
import Logging

/// Keeps a worker for every machine of the journal, and has them look when there is a reason to.
package actor Supervisor {
    /// What happens to what is ours on the host and wanted by nobody.
    package enum OrphanPolicy: String, Sendable, CaseIterable {
        /// Nothing but a report.
        case report
        /// Its domain is shut off.
        case stop
        /// It is taken down with all that is its own.
        case remove
    }

    private struct Seat {
        let worker: MachineWorker
        /// How often it was given work: it cannot go while that changes.
        var uses = 0
    }

    private let tools: MachineWorker.Tools
    private let jobs: JobRunner
    private let orphanPolicy: OrphanPolicy
    private var seats: [MachineUUID: Seat] = [:]
    /// Whether all that is wanted was read. Before, what the journal does not know may well be wanted.
    private var knowsAllWanted = false
    private var stops: [MachineUUID: Task<Void, Never>] = [:]

    package init(_ tools: MachineWorker.Tools, jobs: JobRunner, orphanPolicy: OrphanPolicy) {
        (self.tools, self.jobs, self.orphanPolicy) = (tools, jobs, orphanPolicy)
    }

    /// Acquaints journal and host with each other, before the first task.
    ///
    /// - Parameters:
    ///   - floatingIPPools: those of the node's region.
    ///   - abandoned: what went elsewhere while the node was taken for dead. When this returns none of it runs or has an
    ///     address, and the journal has it taken down whatever happens.
    /// - Throws: what keeps the abandoned from being journaled or ended.
    package func begin(floatingIPPools: [Subnet], abandoned: [MachineTask] = []) async throws(Fault) {
        await tools.journal.learn(ofFiles: tools.host.machinesWithFiles())
        for task in abandoned { _ = try await tools.journal.take(task) }
        await tools.host.restore(tools.journal.all.filter { !$0.isUndone }.map(\.task))
        await tools.host.maintain(floatingIPPools: floatingIPPools)
        for task in abandoned { try await end(task) }
        for entry in await tools.journal.all { await jobs.follow(entry) }
    }

    /// Ends the copy of a machine that lives elsewhere. Its worker takes down the rest.
    private func end(_ task: MachineTask) async throws(Fault) {
        tools.logger.notice(
            "What is here of a machine that lives elsewhere is ended",
            metadata: ["vm.uuid": "\(task.uuid)"]
        )
        try await tools.host.perform(.destroy, for: task) { _ in }
    }

    // MARK: - What is wanted

    /// Takes a task: when this returns it is on disk, and its machine's worker knows.
    package func take(_ task: MachineTask) async throws(Fault) {
        try await take(task, isHint: false)
    }

    private func take(_ task: MachineTask, isHint: Bool) async throws(Fault) {
        let isNew: Bool
        do throws(Fault) {
            isNew = try await tools.observer.around(.journal) { () async throws(Fault) in
                try await tools.journal.take(task, isHint: isHint)
            }
        } catch {
            await tell(of: error, with: task)
            throw error
        }
        let worker = worker(task.uuid)
        if isNew {
            tools.logger.info(
                "Took a task",
                metadata: task.trace.merging([
                    "vm.uuid": "\(task.uuid)", "vm.id": "\(task.machineID)", "generation": "\(task.generation)",
                    "power": "\(task.power.rawValue)",
                ]) { $1 }
            )
            await worker.supersede()
        } else {
            await worker.poke()
        }
        if let entry = await tools.journal.entry(task.uuid) { await jobs.follow(entry) }
    }

    /// A task that cannot be promised is a reason for the conductor to act on.
    private func tell(of fault: Fault, with task: MachineTask) async {
        let report = MachineReport(
            uuid: task.uuid,
            appliedGeneration: task.generation,
            power: .unknown,
            fault: fault
        )
        await tools.reporter.report(report, received: nil)
    }

    /// Takes a task from the queue, unless it comes so late that its machine is gone. Only the conductor itself can say
    /// that such a machine is wanted again.
    package func take(hint task: MachineTask) async throws(Fault) {
        try await take(task, isHint: true)
    }

    /// Takes everything that is wanted of the node. A machine that is not named is left as it is.
    package func take(_ desired: DesiredState) async throws(Fault) {
        var understood = true
        for task in desired.machines {
            if task.isMeant(for: tools.node) {
                try await take(task)
            } else {
                understood = false
                tools.logger.error("A wanted machine is not for this agent", metadata: task.addressee)
            }
        }
        knowsAllWanted = understood
    }

    // MARK: - Looking

    /// Has every machine looked at, and finds what nobody wants.
    ///
    /// - Throws: `hypervisor_unreachable`.
    package func lookAtAll() async throws(Fault) {
        let known = await tools.journal.all.map(\.task.uuid)
        for uuid in known { await worker(uuid).poke() }
        await dismissIdleWorkers()
        guard knowsAllWanted else { return }
        let domains = try await tools.host.domains()
        // A machine may have come or gone while the host was looked at; neither is an orphan.
        for domain in domains where await isStranger(domain.uuid, known) { await deal(withOrphan: domain) }
        let files = await tools.host.machinesWithFiles().subtracting(domains.map(\.uuid))
        for uuid in files where await isStranger(uuid, known) { await deal(withFilesOf: uuid) }
    }

    /// Has one machine looked at; one that nobody wants is dealt with at once.
    package func look(at uuid: MachineUUID) async {
        if await tools.journal.entry(uuid) != nil { return await worker(uuid).poke() }
        guard knowsAllWanted, let domain = try? await tools.host.domain(uuid), await isStranger(uuid, []) else {
            return
        }
        await deal(withOrphan: domain)
    }

    /// Ends all that is under way, for good.
    package func stop() async {
        for stop in stops.values { stop.cancel() }
        // All at once: one may wait for a slot that another holds.
        await withTaskGroup(of: Void.self) { group in
            for seat in seats.values { group.addTask { await seat.worker.stop() } }
            group.addTask { await self.jobs.stop() }
        }
    }

    private func worker(_ uuid: MachineUUID) -> MachineWorker {
        let seat = seats[uuid] ?? Seat(worker: MachineWorker(uuid, tools))
        seats[uuid] = Seat(worker: seat.worker, uses: seat.uses + 1)
        return seat.worker
    }

    /// Workers whose machines are gone go too.
    private func dismissIdleWorkers() async {
        for (uuid, seat) in seats {
            guard await tools.journal.entry(uuid) == nil, await seat.worker.isIdle else { continue }
            if seats[uuid]?.uses == seat.uses { seats[uuid] = nil }
        }
    }

    // MARK: - Orphans

    private func isStranger(_ uuid: MachineUUID, _ known: [MachineUUID]) async -> Bool {
        guard !known.contains(uuid) else { return false }
        return await tools.journal.entry(uuid) == nil
    }

    private func deal(withOrphan domain: ObservedDomain) async {
        let uuid = domain.uuid
        await tell(uuid, domain.mark.generation, domain.state == .running ? .running : .stopped)
        switch orphanPolicy {
        case .report: return
        case .remove: await remove(uuid, domain.mark.machineID, domain.mark.generation)
        case .stop:
            guard domain.state == .running, stops[uuid] == nil else { return }
            let task = absence(uuid, domain.mark.machineID, domain.mark.generation)
            stops[uuid] = Task {
                do throws(Fault) {
                    try await tools.host.perform(.shutDown, for: task) { _ in }
                } catch {
                    tools.logger.warning("An orphan could not be stopped", metadata: ["error": "\(error)"])
                }
                stops[uuid] = nil
            }
        }
    }

    /// Files without a domain: a journal was lost in the middle of a create or delete.
    private func deal(withFilesOf uuid: MachineUUID) async {
        await tell(uuid, Generation(0), .stopped)
        if orphanPolicy == .remove { await remove(uuid, VirtualMachineID(0), Generation(0)) }
    }

    private func tell(_ uuid: MachineUUID, _ generation: Generation, _ power: ObservedPower) async {
        tools.logger.warning(
            "There is something of ours that nobody wants",
            metadata: ["vm.uuid": "\(uuid)", "power": "\(power.rawValue)", "policy": "\(orphanPolicy.rawValue)"]
        )
        let report = MachineReport(uuid: uuid, appliedGeneration: generation, power: power, orphan: true)
        await tools.reporter.report(report, received: nil)
    }

    /// Takes an orphan down at an operator's word, whatever the policy is. Saying it again does no harm.
    package func remove(orphan uuid: MachineUUID) async {
        if let entry = await tools.journal.entry(uuid) {
            let isUnderway = entry.task.power == .absent
            let generation = isUnderway ? entry.task.generation : entry.task.generation.next
            return await remove(uuid, entry.task.machineID, generation)
        }
        let mark = (try? await tools.host.domain(uuid))?.mark
        await remove(uuid, mark?.machineID ?? VirtualMachineID(0), mark?.generation ?? Generation(0))
    }

    /// Journals its absence, so that it is taken down like any other machine, whatever happens to the agent.
    private func remove(_ uuid: MachineUUID, _ machineID: VirtualMachineID, _ generation: Generation) async {
        do throws(Fault) {
            try await take(absence(uuid, machineID, generation))
        } catch {
            tools.logger.warning("An orphan could not be removed", metadata: ["error": "\(error)"])
        }
    }

    private func absence(
        _ uuid: MachineUUID,
        _ machineID: VirtualMachineID,
        _ generation: Generation
    ) -> MachineTask {
        MachineTask(
            node: tools.node,
            machineID: machineID,
            uuid: uuid,
            generation: generation,
            power: .absent,
            bootCounter: 0,
            spec: nil
        )
    }
}
