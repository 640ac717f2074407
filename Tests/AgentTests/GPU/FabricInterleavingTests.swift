// SPDX-License-Identifier: Apache-2.0

import Agent
import Foundation
import GantryModel
import GantryProtocol
import GantryTestSupport
import Testing

@Suite("Whatever comes, in whatever order, no GPU is connected to another machine's")
struct FabricInterleavingTests {
    @Test(
        "Starts, deletes, cleanings that come late or twice; agents' ends, boots, commands that fail",
        .timeLimit(.minutes(5)),
        arguments: Seeds.lives(3, andNew: 1)
    )
    func holds(_ seed: UInt64) async throws {
        try await FabricHost.with { host in
            var story = try FabricStory(host: host, seed: seed)
            for _ in 1...40 { try await story.happen() }
            try await story.end()
        }
    }
}

/// One random life of a host with Fabric Manager, and of a conductor that gives out whole partitions.
private struct FabricStory {
    private struct Machine {
        let modules: [Int]
        let claim: Int64
    }

    /// The modules of each partition, by its number.
    private static let sets =
        [Array(1...8), [1, 2, 3, 4], [5, 6, 7, 8], [1, 3], [2, 4], [5, 7], [6, 8]] + (1...8).map { [$0] }

    private let host: FabricHost
    private var keeper: GPUKeeper
    private var random: RepeatableGenerator
    private var machines: [MachineUUID: Machine] = [:]
    private var claims: [Int: Int64] = Dictionary(uniqueKeysWithValues: (1...8).map { ($0, 1) })
    private var free: Set<Int> = []
    private var words: [UncleanGPU] = []
    private var count = 0

    init(host: FabricHost, seed: UInt64) throws {
        (self.host, random) = (host, RepeatableGenerator(seed))
        keeper = try host.keeper()
    }

    mutating func happen() async throws {
        switch Int.random(in: 0..<12, using: &random) {
        case 0, 1, 2: try await create()
        case 3: if let machine = machines.keys.randomElement(using: &random) { machines[machine] = nil }
        case 4: if let machine = machines.randomElement(using: &random) { _ = await start(machine.key, machine.value) }
        case 5: if let word = words.randomElement(using: &random) { _ = await keeper.clean(word) }
        case 6: keeper = try host.keeper()
        case 7: try host.boot()
        case 8:
            let lines = ["-a -2", "-a lost", "-d -2", "-d lost", "-l -9"]
            try host.disturb(lines.randomElement(using: &random) ?? "")
        default: try await clean()
        }
        try await check()
    }

    private mutating func create() async throws {
        guard let modules = Self.sets.filter({ free.isSuperset(of: $0) }).randomElement(using: &random) else { return }
        count += 1
        let uuid = try MachineUUID("00000000-0000-4000-8000-" + String(format: "%012x", count))
        let claim = (modules.compactMap { claims[$0] }.max() ?? 0) + 1
        for module in modules { claims[module] = claim }
        free.subtract(modules)
        let machine = Machine(modules: modules, claim: claim)
        // One that this host cannot start goes elsewhere.
        if await start(uuid, machine) { machines[uuid] = machine }
    }

    private func start(_ uuid: MachineUUID, _ machine: Machine) async -> Bool {
        do {
            try await keeper.bind(host.assignments(machine.modules, claim: machine.claim), to: uuid)
            #expect(host.active.contains { Set(Self.sets[$0]) == Set(machine.modules) })
            return true
        } catch {
            return false
        }
    }

    /// Asks for all that has to be cleaned, and hears what came of it. What cannot be cleaned is tried again.
    private mutating func clean() async throws {
        let held = Set(machines.values.flatMap(\.modules))
        for module in 1...8 where !held.contains(module) && !free.contains(module) {
            guard let gpu = try host.assignments([module], claim: claims[module] ?? 0).first else { continue }
            words.append(UncleanGPU(address: gpu.address, claim: gpu.claim))
            _ = await keeper.clean(words[words.count - 1])
            let unit = try await keeper.inventory().first { $0.address == gpu.address }
            guard let unit, unit.claim >= gpu.claim else { continue }
            if unit.condition == .ready { free.insert(module) }
            if unit.condition == .faulty { claims[module] = gpu.claim + 1 }
        }
    }

    private func check() async throws {
        for number in host.active {
            let modules = Set(Self.sets[number])
            let owners = machines.values.filter { !modules.isDisjoint(with: $0.modules) }
            #expect(owners.allSatisfy { Set($0.modules) == modules }, "partition \(number) has parts of machines")
            #expect(modules.isDisjoint(with: free), "partition \(number) has units that are free")
        }
    }

    mutating func end() async throws {
        try host.disturb("")
        machines = [:]
        for _ in 1...4 where free.count < 8 { try await clean() }
        #expect(free.count == 8 && host.active.isEmpty)
    }
}
