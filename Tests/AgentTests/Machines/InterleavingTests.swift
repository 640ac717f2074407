// SPDX-License-Identifier: Apache-2.0

import Agent
import Foundation
import GantryModel
import GantryProtocol
import GantryTestSupport
import SimulatedHost
import Testing

@Suite("Whatever comes, in whatever order, a host ends as the newest tasks want it")
struct InterleavingTests {
    @Test(
        "Tasks old, new and repeated, faults, kills, power cuts, guests of their own mind",
        arguments: Seeds.lives(60, andNew: 20)
    )
    func converges(_ seed: UInt64) async throws {
        // No fsync to wait for: what a power cut takes is another test's.
        let folder = "/dev/shm/gantry-test-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        var story = try Story(seed: seed, folder: folder)
        for _ in 1...80 { try await story.happen() }
        try await story.end()
    }
}

/// One random life of a node with some machines.
private struct Story {
    private var random: RepeatableGenerator
    private let folder: String
    private let host = SimulatedHost()
    private let witness: Witness
    private var node: SimulatedNode
    /// The newest task of each machine, as the conductor has it.
    private var wanted: [MachineUUID: MachineTask] = [:]
    /// All there ever were.
    private var history: [MachineTask] = []
    private let machines: [MachineUUID]

    init(seed: UInt64, folder: String) throws {
        var random = RepeatableGenerator(seed)
        machines = try (0..<4)
            .map { _ in
                let digits = String(random.next() >> 16, radix: 16)
                return try MachineUUID(
                    "00000000-0000-4000-8000-" + String(repeating: "0", count: 12 - digits.count) + digits
                )
            }
        (self.random, self.folder) = (random, folder)
        witness = Witness(host)
        node = try SimulatedNode(folder: folder, host: host, listener: Listener(witness: witness.check), slots: 2)
    }

    // MARK: - What happens

    mutating func happen() async throws {
        if await host.isAgentDead { try await restart() }
        await disturb()
        switch Int.random(in: 0..<13, using: &random) {
        case 0, 1, 2, 3: try await ask()
        case 4: if let old = history.randomElement(using: &random) { await deliver([old]) }
        case 5: await deliver(Array(wanted.values).shuffled(using: &random))
        case 6: try? await node.supervisor.lookAtAll()
        case 7: await guest()
        case 8: try await restart()
        case 9: await host.setReachable(random.chance(60))
        case 11: try await abandon()
        case 10: random.chance(50) ? await host.flushFilter() : await host.forgetReasons()
        default: try await Task.sleep(for: .milliseconds(Int.random(in: 0...5, using: &random)))
        }
    }

    /// The conductor wants something new, and its word may get lost, or come twice.
    private mutating func ask() async throws {
        let index = Int.random(in: 0..<machines.count, using: &random)
        let last = wanted[machines[index]]
        let power: WantedPower =
            [.running, .running, .running, .stopped, .absent].randomElement(using: &random) ?? .running
        let task = try Example.task(
            power,
            uuid: machines[index].description,
            id: Int64(index + 1),
            generation: (last?.generation.rawValue ?? 0) + 1,
            boot: (last?.bootCounter ?? 1) + (random.chance(30) ? 1 : 0),
            spec: spec(index)
        )
        if power == .absent { await witness.mayGo(task.uuid, since: task.generation) }
        wanted[task.uuid] = task
        history.append(task)
        await deliver(Array(repeating: task, count: Int.random(in: 0...2, using: &random)))
    }

    private mutating func spec(_ index: Int) throws -> MachineSpec {
        let rules = random.chance(30) ? [try Example.rule("tcp", ports: 22...22)] : []
        return try Example.spec(
            environment: Int64(index % 2 + 3),
            index: index + 1,
            floatingIP: random.chance(50) ? "192.0.2.\(index + 1)" : nil,
            rules: rules
        )
    }

    private func deliver(_ tasks: [MachineTask]) async {
        for task in tasks { try? await node.supervisor.take(task) }
    }

    private mutating func guest() async {
        guard let uuid = machines.randomElement(using: &random) else { return }
        let states: [ObservedDomain.State] = [.shutDown, .crashed, .off, .paused("No space.")]
        await host.guest(uuid, becomes: states.randomElement(using: &random) ?? .off)
        await node.supervisor.look(at: uuid)
    }

    private mutating func restart() async throws {
        await node.supervisor.stop()
        node = try SimulatedNode(
            folder: folder,
            host: host,
            listener: Listener(witness: witness.check),
            slots: 2
        )
        await node.start()
        try? await node.supervisor.lookAtAll()
    }

    /// The node was taken for dead, and one of its machines is elsewhere since. An agent that cannot end it begins again.
    private mutating func abandon() async throws {
        guard let last = wanted.values.randomElement(using: &random) else { return }
        var task = last
        (task.power, task.spec, task.generation) = (.absent, nil, last.generation.next)
        await witness.mayGo(task.uuid, since: task.generation)
        wanted[task.uuid] = task
        history.append(task)
        await host.disturb { _, _ in nil }
        // A session needs a libvirt that answers.
        await host.setReachable(true)
        await node.supervisor.stop()
        node = try SimulatedNode(folder: folder, host: host, listener: Listener(witness: witness.check), slots: 2)
        try await node.start(abandoned: [task])
        #expect(await host.machines[task.uuid]?.domain?.state != .running)
        #expect(await host.filter[task.uuid] == nil)
    }

    /// One step in eight goes wrong in some way.
    private mutating func disturb() async {
        let random = Shared(RepeatableGenerator(self.random.next()))
        await host.disturb { _, _ in
            let chosen = Shared<Disturbance?>(nil)
            random.change { random in
                guard random.chance(12) else { return }
                let kinds: [Disturbance.Kind] = [
                    .fail(Fault(.hostCommandFailed, "Try again.")), .fail(Fault(.hypervisorRefused, "Elsewhere.")),
                    .fail(Fault(.imageInvalid, "Nowhere.")), .hang, .kill, .powerCut,
                ]
                let kind = kinds.randomElement(using: &random) ?? .hang
                chosen.change { [isLate = random.chance(50)] in $0 = Disturbance(kind, isLate: isLate) }
            }
            return chosen.value
        }
    }

    // MARK: - How it ends

    /// Nothing disturbs any more, and every machine is asked for once more, as its owner would after an error.
    mutating func end() async throws {
        await host.disturb { _, _ in nil }
        await host.setReachable(true)
        try await restart()
        for (uuid, task) in wanted {
            var task = task
            task.generation = task.generation.next
            task.bootCounter += 1
            wanted[uuid] = task
        }
        let desired = DesiredState(revision: 1, machines: Array(wanted.values), floatingIPPools: [])
        try await node.supervisor.take(desired)
        try await node.supervisor.lookAtAll()
        let reasons = Shared<[String]>([])
        do {
            try await eventually("the host is as wanted", timeout: .seconds(20)) { [self] in
                let found = await wrong()
                reasons.change { $0 = found }
                return found.isEmpty
            }
        } catch {
            Issue.record("\(reasons.value.joined(separator: "; "))")
        }
        await node.supervisor.stop()
        let told = await witness.complaints
        #expect(told == [])
    }

    /// What is not as the newest tasks want it.
    private func wrong() async -> [String] {
        var found: [String] = []
        let (filter, networks, held) = (await host.filter, await host.networks, await host.machines)
        let running = wanted.values.filter { $0.power == .running }
        for task in wanted.values {
            let machine = held[task.uuid] ?? SimulatedMachine()
            let isOn = machine.domain?.state == .running
            switch task.power {
            case .running:
                if !isOn { found.append("\(task.machineID) does not run") }
                if machine.domain?.mark != MachineMark(task) { found.append("\(task.machineID) has another mark") }
                if filter[task.uuid] != NetworkMember(task) { found.append("\(task.machineID) has other rules") }
            case .stopped, .hibernated:
                if isOn { found.append("\(task.machineID) runs") }
                if let member = filter[task.uuid], member != NetworkMember(task) {
                    found.append("\(task.machineID) has other rules")
                }
            case .absent:
                if !machine.isEmpty { found.append("\(task.machineID) is still there") }
                if filter[task.uuid] != nil { found.append("\(task.machineID) still has rules") }
            }
        }
        let members = wanted.values.compactMap(NetworkMember.init).map(\.attachment)
        let (lines, every) = (Set(networks.values.joined()), Set(members.map(SimulatedDHCPHost.init)))
        let needed = Set(running.compactMap(NetworkMember.init).map { SimulatedDHCPHost($0.attachment) })
        if !lines.isSubset(of: every) || !needed.isSubset(of: lines) { found.append("DHCP has \(lines)") }
        if !Set(networks.keys).isSubset(of: members.map(\.environmentID)) { found.append("a network is left") }
        let floating = Set(filter.values.compactMap(\.attachment.floatingIP))
        if await host.floatingIPs != floating { found.append("floating IPs are \(await host.floatingIPs)") }
        if await node.journal.all.contains(where: { $0.task.power == .absent }) { found.append("one is not forgotten") }
        return found + (await witness.lostDisks(held))
    }
}

/// Holds what is told against what is so.
private actor Witness {
    private let host: SimulatedHost
    private(set) var complaints: [String] = []
    /// The disk that each machine was told to run with, which must be its disk until somebody wanted it gone.
    private var disks: [MachineUUID: UUID] = [:]
    /// When somebody last wanted it gone: what ran before may lose its disk.
    private var gone: [MachineUUID: Generation] = [:]

    init(_ host: SimulatedHost) {
        self.host = host
    }

    func mayGo(_ uuid: MachineUUID, since generation: Generation) {
        (disks[uuid], gone[uuid]) = (nil, generation)
    }

    @Sendable
    nonisolated func check(_ report: MachineReport) async { await take(report) }

    private func take(_ report: MachineReport) async {
        guard report.activity == nil, report.fault == nil else { return }
        let machine = await host.machines[report.uuid]
        switch report.power {
        case .absent:
            guard machine?.isEmpty ?? true, await host.filter[report.uuid] == nil else {
                complaints.append("\(report.uuid) was told absent with \(String(describing: machine))")
                return
            }
        case .running:
            guard report.appliedGeneration > gone[report.uuid] ?? Generation(0) else { return }
            if let disk = machine?.disk, disks[report.uuid] == nil { disks[report.uuid] = disk }
        default: return
        }
    }

    func lostDisks(_ machines: [MachineUUID: SimulatedMachine]) -> [String] {
        disks.filter { machines[$0.key]?.disk != $0.value }.map { "\($0.key) lost its disk" }
    }
}
