// SPDX-License-Identifier: Apache-2.0

import Agent
import GantryModel
import GantryProtocol

/// A node's host that lets a watch see which machines it is asked about.
struct WatchedHost: Host {
    let host: any Host
    let watch: MachineWatch

    func domains() async throws(Fault) -> [ObservedDomain] { try await host.domains() }

    func perform(
        _ step: ConvergenceStep,
        for task: MachineTask,
        progress: @escaping @Sendable (Int) -> Void
    ) async throws(Fault) {
        watch.learn(task)
        try await host.perform(step, for: task, progress: progress)
    }

    func domain(_ uuid: MachineUUID) async throws(Fault) -> ObservedDomain? { try await host.domain(uuid) }
    func restore(_ tasks: [MachineTask]) async { await host.restore(tasks) }
    func maintain(floatingIPPools: [Subnet]) async { await host.maintain(floatingIPPools: floatingIPPools) }
    func machinesWithFiles() async -> Set<MachineUUID> { await host.machinesWithFiles() }
    func remove(_ volume: AbsentVolume) async throws(Fault) { try await host.remove(volume) }
    func clean(_ gpu: UncleanGPU) async -> Bool { await host.clean(gpu) }
    func inventory() async throws(Fault) -> NodeInventory { try await host.inventory() }
    func samples() async throws(Fault) -> [MachineSample] { try await host.samples() }
    func problems() async -> [String] { await host.problems() }
    var changes: AsyncStream<MachineUUID?> { host.changes }

    func perform(_ job: MachineJob, for task: MachineTask) async throws(Fault) -> String? {
        try await host.perform(job, for: task)
    }
}
