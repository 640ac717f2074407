// SPDX-License-Identifier: Apache-2.0

import Foundation
package import GantryModel
package import GantryProtocol
package import Logging
package import Observability

/// Tells the conductor what changed, soon, and that the agent lives, regularly.
///
/// A report is a snapshot, so only a machine's newest one is kept until the conductor has taken it.
package actor Reporter: MachineReporting {
    private let conductor: any ConductorConnection
    private let host: any Host
    private let epoch: Int64
    private let bootID: String
    /// Gets the number of a rotation of the node's secrets that the conductor asks for.
    private let onRotation: @Sendable (Int64) -> Void
    private let health: Health
    private let logger: Logger
    private var sequence: Int64 = 0

    private struct Pending {
        let report: MachineReport
        let received: (@Sendable () async -> Void)?
    }

    private var unsent: [MachineUUID: Pending] = [:]
    /// Machines of the report that is on its way.
    private var underway: Set<MachineUUID> = []
    /// What the conductor took a moment ago.
    private var taken: [MachineUUID: (report: MachineReport, at: ContinuousClock.Instant)] = [:]
    private var inventory: NodeInventory?
    /// Volumes that are gone, of which the conductor does not know yet.
    private var removedVolumes: Set<VolumeUUID> = []
    private let removal: AsyncStream<[AbsentVolume]>.Continuation
    private let removals: AsyncStream<[AbsentVolume]>
    /// GPUs that are being cleaned.
    private var cleaning: Set<PCIAddress> = []
    private let orphanRemoval: AsyncStream<[MachineUUID]>.Continuation
    /// The orphans that have to go, each time that the conductor says so. For one reader.
    package let orphanRemovals: AsyncStream<[MachineUUID]>
    private let uncleanness: AsyncStream<UncleanGPU>.Continuation
    private let unclean: AsyncStream<UncleanGPU>
    private let wake: AsyncStream<Void>.Continuation
    private let wakes: AsyncStream<Void>
    private let progress: AsyncStream<Void>.Continuation
    private let progresses: AsyncStream<Void>

    /// How long the same report of a machine is an echo: libvirt tells of what was done to it too. The look at every
    /// machine comes less often, and is told.
    private static let echo = Duration.seconds(10)
    /// How long progress waits: often the end of the work comes first.
    private static let progressDelay = Duration.seconds(1)

    package init(
        conductor: any ConductorConnection,
        host: any Host,
        epoch: Int64,
        bootID: String,
        onRotation: @escaping @Sendable (Int64) -> Void = { _ in },
        health: Health = Health(),
        logger: Logger
    ) {
        (self.conductor, self.host, self.onRotation) = (conductor, host, onRotation)
        (self.epoch, self.bootID, self.health, self.logger) = (epoch, bootID, health, logger)
        (wakes, wake) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        (removals, removal) = AsyncStream.makeStream(of: [AbsentVolume].self, bufferingPolicy: .bufferingNewest(1))
        (orphanRemovals, orphanRemoval) = AsyncStream.makeStream(
            of: [MachineUUID].self,
            bufferingPolicy: .bufferingNewest(1)
        )
        (unclean, uncleanness) = AsyncStream.makeStream(of: UncleanGPU.self)
        (progresses, progress) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    }

    // MARK: - What there is to tell

    package func report(_ report: MachineReport, received: (@Sendable () async -> Void)?) {
        guard received != nil || !isEcho(report) else {
            unsent[report.uuid] = nil
            return
        }
        unsent[report.uuid] = Pending(report: report, received: received)
        wake.yield()
    }

    package func note(_ report: MachineReport) {
        unsent[report.uuid] = Pending(report: report, received: nil)
        progress.yield()
    }

    /// Has the next report go out now.
    package func hurry() { wake.yield() }

    private func isEcho(_ report: MachineReport) -> Bool {
        guard let last = taken[report.uuid], !underway.contains(report.uuid) else { return false }
        return last.report == report && last.at.duration(to: .now) < Self.echo
    }

    // MARK: - Telling it

    /// Sends reports until cancelled.
    ///
    /// - Parameters:
    ///   - interval: The longest silence, in seconds.
    ///   - beat: Called for each report, before it is sent.
    /// - Throws: ``ConductorError`` when the session is over.
    package func run(interval: Int, beat: @escaping @Sendable () -> Void = {}) async throws {
        // Only then does the node take machines.
        wake.yield()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                while true {
                    try await Task.sleep(for: .seconds(Double(interval) * Double.random(in: 0.9...1)))
                    self.wake.yield()
                }
            }
            group.addTask {
                for await _ in self.progresses {
                    try await Task.sleep(for: Self.progressDelay)
                    await self.sendProgress()
                }
            }
            group.addTask {
                // Apart from the reports, which a disk that hangs must not hold up.
                for await volumes in self.removals { await self.remove(volumes) }
            }
            group.addTask { await self.cleanGPUs() }
            group.addTask { try await self.sendWhenWoken(beat) }
            try await group.next()
            group.cancelAll()
        }
    }

    private func remove(_ volumes: [AbsentVolume]) async {
        for volume in volumes {
            do throws(Fault) {
                try await host.remove(volume)
                removedVolumes.insert(volume.uuid)
                wake.yield()
            } catch {
                logger.warning(
                    "A volume is not removed yet",
                    metadata: ["volume": "\(volume.uuid)", "error": "\(error)"]
                )
            }
        }
    }

    /// Each for itself: what hangs in one device holds up no other.
    private func cleanGPUs() async {
        await withDiscardingTaskGroup { group in
            for await gpu in unclean {
                group.addTask {
                    let isNew = await self.host.clean(gpu)
                    await self.note(cleaned: gpu, isNew: isNew)
                }
            }
        }
    }

    /// What could not be done is asked for again with the next report, which comes in its time.
    private func note(cleaned gpu: UncleanGPU, isNew: Bool) {
        cleaning.remove(gpu.address)
        guard isNew else { return }
        // Said again even where it is the same: it is so under another claim's word by now.
        inventory = nil
        wake.yield()
    }

    private func sendProgress() {
        if !unsent.isEmpty { wake.yield() }
    }

    private func sendWhenWoken(_ beat: () -> Void) async throws {
        var backoff = Backoff(.seconds(1)...(.seconds(15)))
        // What comes within a moment goes in one report.
        var pause = Duration.milliseconds(5)
        for await _ in wakes {
            beat()
            try await Task.sleep(for: pause)
            do {
                try await send()
                backoff.reset()
                pause = .milliseconds(5)
                health.report("conductor", .well)
            } catch let error as ConductorError {
                if error.endsSession { throw error }
                health.report("conductor", .ill("\(error)"))
                pause = backoff.next()
                logger.warning("A report was not taken", metadata: ["error": "\(error)"])
                wake.yield()
            }
        }
    }

    private func send() async throws {
        let look = await lookAtHost()
        let changed = unsent
        unsent = [:]
        underway = Set(changed.keys)
        defer { underway = [] }
        sequence += 1
        let report = NodeReport(
            epoch: epoch,
            bootID: bootID,
            sequence: sequence,
            collectedAt: look.begin,
            complete: false,
            hypervisorReachable: look.isReachable,
            machines: changed.values.map(\.report).sorted { "\($0.uuid)" < "\($1.uuid)" },
            inventory: look.inventory == inventory ? nil : look.inventory,
            problems: look.problems,
            removedVolumes: removedVolumes.sorted { "\($0)" < "\($1)" }
        )
        do {
            let receipt = try await conductor.send(report)
            removedVolumes.subtract(report.removedVolumes)
            let absent = receipt.absentVolumes.filter { !report.removedVolumes.contains($0.uuid) }
            if !absent.isEmpty { removal.yield(absent) }
            if !receipt.absentOrphans.isEmpty { orphanRemoval.yield(receipt.absentOrphans) }
            for gpu in receipt.uncleanGPUs where cleaning.insert(gpu.address).inserted { uncleanness.yield(gpu) }
            if let rotation = receipt.rotation { onRotation(rotation) }
            inventory = look.inventory ?? inventory
            note(taken: changed.values.map(\.report))
        } catch {
            // What was not replaced by something newer meanwhile is still to be told.
            unsent.merge(changed) { newer, _ in newer }
            throw error
        }
        for (uuid, pending) in changed where unsent[uuid] == nil { await pending.received?() }
    }

    private func note(taken reports: [MachineReport]) {
        let now = ContinuousClock.now
        taken = taken.filter { $0.value.at.duration(to: now) < Self.echo }
        for report in reports { taken[report.uuid] = (report, now) }
    }

    private struct Look {
        let begin: Date
        var inventory: NodeInventory?
        var problems: [String]
        var isReachable: Bool
    }

    private func lookAtHost() async -> Look {
        let begin = Date.now
        let problems = await host.problems()
        do throws(Fault) {
            let inventory = try await host.inventory()
            health.report("hypervisor", .well)
            return Look(begin: begin, inventory: inventory, problems: problems, isReachable: true)
        } catch {
            health.report("hypervisor", .ill(error.message))
            return Look(begin: begin, inventory: nil, problems: problems + [error.message], isReachable: false)
        }
    }
}
