// SPDX-License-Identifier: Apache-2.0

import Conductor
import GantryModel
import GantryProtocol
import Testing

/// A host that outlives its conductor's database: what its agent built is there until it was told to take it down, and what
/// it took down it remembers.
actor LivingHost {
    let node: SpeakingNode
    /// What is on the host, as it was built last.
    private(set) var machines: [MachineUUID: MachineTask] = [:]
    private(set) var removed: Set<MachineUUID> = []
    /// How often a machine was made where there was none.
    private(set) var built: [MachineUUID: Int] = [:]
    private(set) var isOn = true
    /// Machines that are off because the host was.
    private var asleep: Set<MachineUUID> = []
    /// GPUs that a machine had since they were cleaned.
    private var used: Set<PCIAddress> = []
    private var lastEpoch: Int64

    /// With `sharesStorage` it mounts the pool that others mount too.
    init(_ name: String, in cloud: Cloud, gpus: Int = 0, sharesStorage: Bool = false) async throws {
        node = try await SpeakingNode(
            name,
            in: cloud,
            gpus: try (1...max(gpus, 1)).prefix(gpus).map { try .example($0) }
        )
        lastEpoch = 0
        try await begin()
        if sharesStorage { try await node.mount() }
    }

    var floatingIPs: Set<IPv4Address> { Set(machines.values.compactMap(\.spec?.network.floatingIP)) }
    var gpus: Set<PCIAddress> { Set(machines.values.flatMap { $0.spec?.gpus ?? [] }.map(\.address)) }
    var uuids: Set<MachineUUID> { Set(machines.keys) }
    var running: Set<MachineUUID> {
        Set(machines.values.filter { $0.power == .running }.map(\.uuid)).subtracting(asleep)
    }

    func powerOff() {
        isOn = false
        asleep = uuids
    }

    /// Begins a session, as an agent does that starts: it drops what it is told to, and starts what it knows is wanted.
    func begin() async throws {
        isOn = true
        try await look()
        let running = running
        let held = machines.values
            .map { HostedMachine(uuid: $0.uuid, isRunning: running.contains($0.uuid), spec: $0.spec) }
        let session = try await node.openSession(machines: held, removed: Array(removed), lastEpoch: lastEpoch)
        lastEpoch = session.epoch
        for task in session.abandoned { machines[task.uuid] = nil }
        asleep = []
        if !session.abandoned.isEmpty { try await report(session.abandoned.map { $0.done() }) }
    }

    /// Does what is wanted and reports it. A session that is over is begun anew, and that is all then.
    func turn() async throws {
        guard isOn else { return }
        do {
            let wanted = try await node.desired()?.machines ?? []
            var gone: [MachineReport] = []
            for task in wanted {
                if task.power == .absent {
                    machines[task.uuid] = nil
                    removed.insert(task.uuid)
                    gone.append(task.done())
                } else {
                    build(task)
                }
            }
            for uuid in try await report(gone).absentOrphans {
                let task = machines.removeValue(forKey: uuid)
                removed.insert(uuid)
                let generation = task?.generation.next ?? Generation(1)
                try await report([MachineReport(uuid: uuid, appliedGeneration: generation, power: .absent)])
            }
            try await clean()
        } catch let refusal as NodeRefusal where [.unsurveyed, .declaredDead].contains(refusal.reason) {
            try await begin()
        }
    }

    private func build(_ task: MachineTask) {
        guard task.generation >= machines[task.uuid]?.generation ?? Generation(0) else { return }
        if machines[task.uuid] == nil { built[task.uuid, default: 0] += 1 }
        machines[task.uuid] = task
        used.formUnion(task.spec?.gpus.map(\.address) ?? [])
    }

    @discardableResult
    private func report(_ gone: [MachineReport]) async throws -> ReportReceipt {
        try await look()
        return try await node.report(gone + machines.values.map { $0.done() }, withInventory: true)
    }

    /// Cleans what nobody has.
    private func clean() async throws {
        let held = gpus
        var inventory = await node.inventory
        for unclean in try await report([]).uncleanGPUs where !held.contains(unclean.address) {
            for index in inventory.gpus.indices where inventory.gpus[index].address == unclean.address {
                (inventory.gpus[index].claim, inventory.gpus[index].cleaning) = (unclean.claim, "flr")
                used.remove(unclean.address)
            }
        }
        await node.set(inventory)
        try await report([])
    }

    private func look() async throws {
        var inventory = await node.inventory
        for index in inventory.gpus.indices {
            let address = inventory.gpus[index].address
            let claims = machines.values.flatMap { $0.spec?.gpus ?? [] }.filter { $0.address == address }.map(\.claim)
            inventory.gpus[index].condition = used.contains(address) ? .busy : .ready
            if let claim = claims.max() { inventory.gpus[index].claim = claim }
        }
        await node.set(inventory)
    }
}
