// SPDX-License-Identifier: Apache-2.0

import Agent
import Foundation
import GantryModel
import GantryProtocol
import GantryTestSupport
import SimulatedHost
import Testing

@Suite("Whatever comes, in whatever order, a host gives no GPU to two machines, nor one that is not clean")
struct GPUInterleavingTests {
    @Test(
        "Claims and words to clean that come late, twice or never; kills, power cuts, a lost ledger",
        arguments: Seeds.lives(40, andNew: 10)
    )
    func holds(_ seed: UInt64) async throws {
        let folder = "/dev/shm/gantry-test-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        var story = try GPUStory(seed: seed, folder: folder)
        for _ in 1...80 { try await story.happen() }
        try await story.end()
    }
}

/// One random life of a node with two GPUs and a conductor that keeps to the rules, of which many words are lost.
private struct GPUStory {
    private struct Unit {
        var owner: MachineUUID?
        var isFree = false
        var claim: Int64 = 1
    }

    private var random: RepeatableGenerator
    private let folder: String
    private let host: SimulatedHost
    private var node: SimulatedNode
    private let listener: AbsenceListener
    private var units: [PCIAddress: Unit] = [:]
    private var wanted: [MachineUUID: MachineTask] = [:]
    /// All that was ever said to the node, and what it ever said of its GPUs.
    private var tasks: [MachineTask] = []
    private var unclean: [UncleanGPU] = []
    private var inventories: [[GPUInventory]] = []
    private var machines: Int64 = 0

    init(seed: UInt64, folder: String) throws {
        (random, self.folder) = (RepeatableGenerator(seed), folder)
        let gpus = try (1...2).map { try Example.gpu($0, claim: 1) }
        host = SimulatedHost(gpus: gpus.map(Example.inventory))
        for gpu in gpus { units[gpu.address] = Unit() }
        listener = AbsenceListener()
        node = try SimulatedNode(folder: folder, host: host, listener: Listener(witness: listener.hear), slots: 2)
    }

    mutating func happen() async throws {
        if await host.isAgentDead { try await restart() }
        await disturb()
        switch Int.random(in: 0..<12, using: &random) {
        case 0, 1: try await create()
        case 2: try await delete()
        case 3: if let old = tasks.randomElement(using: &random) { await deliver([old]) }
        case 4: await deliver(Array(wanted.values).shuffled(using: &random))
        case 5: if let old = unclean.randomElement(using: &random) { await clean(old) }
        case 6: try? await node.supervisor.lookAtAll()
        case 7: try await restart()
        case 8: await look()
        case 9: if random.chance(10) { await host.forgetGPUs() }
        default: await hear()
        }
        #expect(await host.breaches == [])
    }

    // MARK: - The conductor

    private mutating func create() async throws {
        guard let (address, unit) = units.first(where: { $0.value.isFree }) else { return }
        machines += 1
        let uuid = try MachineUUID("00000000-0000-4000-8000-" + String(format: "%012x", machines))
        let (bus, claim) = (Int(address.bus), unit.claim + 1)
        units[address] = Unit(owner: uuid, isFree: false, claim: claim)
        let spec = try Example.spec(index: Int(machines % 200) + 2, gpus: [Example.gpu(bus, claim: claim)])
        let task = try Example.task(uuid: "\(uuid)", id: machines, spec: spec)
        wanted[uuid] = task
        await say(task)
    }

    private mutating func delete() async throws {
        guard let task = wanted.values.filter({ $0.power == .running }).randomElement(using: &random) else { return }
        let absence = try Example.task(
            .absent,
            uuid: "\(task.uuid)",
            id: task.machineID.rawValue,
            generation: task.generation.next.rawValue
        )
        wanted[task.uuid] = absence
        await say(absence)
    }

    private mutating func say(_ task: MachineTask) async {
        tasks.append(task)
        await deliver(Array(repeating: task, count: Int.random(in: 0...2, using: &random)))
    }

    /// What the node said of machines: one that is gone holds nothing any more.
    private mutating func hear() async {
        for uuid in await listener.absent where wanted[uuid]?.power == .absent {
            wanted[uuid] = nil
            for (address, unit) in units where unit.owner == uuid { units[address]?.owner = nil }
        }
        for (address, unit) in units where unit.owner == nil && !unit.isFree {
            let word = UncleanGPU(address: address, claim: unit.claim)
            unclean.append(word)
            if random.chance(70) { await clean(word) }
        }
    }

    /// What the node says of its GPUs, now or some time ago.
    private mutating func look() async {
        if let inventory = try? await host.inventory().gpus { inventories.append(inventory) }
        guard let seen = inventories.suffix(4).randomElement(using: &random) else { return }
        for gpu in seen where units[gpu.address]?.owner == nil {
            guard let unit = units[gpu.address] else { continue }
            let isClean = gpu.condition == .ready && gpu.claim >= unit.claim
            if isClean { units[gpu.address] = Unit(isFree: true, claim: max(unit.claim, gpu.claim)) }
            if !isClean, unit.isFree { units[gpu.address] = Unit(claim: unit.claim + 1) }
        }
    }

    // MARK: - The way to the node

    private func deliver(_ tasks: [MachineTask]) async {
        for task in tasks { try? await node.supervisor.take(hint: task) }
    }

    /// A dead agent does not come back from it.
    private func clean(_ gpu: UncleanGPU) async {
        if await !host.isAgentDead { _ = await host.clean(gpu) }
    }

    private mutating func restart() async throws {
        await node.supervisor.stop()
        node = try SimulatedNode(folder: folder, host: host, listener: Listener(witness: listener.hear), slots: 2)
        await node.start()
        try? await node.supervisor.lookAtAll()
    }

    private mutating func disturb() async {
        let random = Shared(RepeatableGenerator(self.random.next()))
        await host.disturb { _, _ in
            let chosen = Shared<Disturbance?>(nil)
            random.change { random in
                guard random.chance(12) else { return }
                let kinds: [Disturbance.Kind] = [
                    .fail(Fault(.hostCommandFailed, "Try again.")), .fail(Fault(.hypervisorRefused, "Elsewhere.")),
                    .hang,
                    .kill, .powerCut,
                ]
                let kind = kinds.randomElement(using: &random) ?? .hang
                chosen.change { [isLate = random.chance(50)] in $0 = Disturbance(kind, isLate: isLate) }
            }
            return chosen.value
        }
    }

    // MARK: - How it ends

    /// Nothing disturbs any more, and every machine goes: then all GPUs are free again.
    mutating func end() async throws {
        await host.disturb { _, _ in nil }
        try await restart()
        while wanted.values.contains(where: { $0.power == .running }) { try await delete() }
        let reached = try await settled()
        #expect(reached, "left: \(wanted.values) \(units)")
        await node.supervisor.stop()
        #expect(await host.breaches == [])
        #expect(await host.traces.isEmpty)
    }

    private mutating func settled() async throws -> Bool {
        for _ in 1...5000 {
            if wanted.isEmpty, units.values.allSatisfy(\.isFree) { return true }
            await deliver(Array(wanted.values))
            await hear()
            inventories = []
            await look()
            try await Task.sleep(for: .milliseconds(1))
        }
        return false
    }
}

/// Hears which machines are gone.
private actor AbsenceListener {
    private(set) var absent: Set<MachineUUID> = []

    @Sendable
    nonisolated func hear(_ report: MachineReport) async { await note(report) }

    private func note(_ report: MachineReport) {
        guard report.power == .absent, report.fault == nil, report.activity == nil else { return }
        absent.insert(report.uuid)
    }
}
