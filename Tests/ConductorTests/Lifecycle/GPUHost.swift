// SPDX-License-Identifier: Apache-2.0

import Conductor
import GantryModel
import GantryProtocol
import GantryTestSupport
import Testing

/// A host's GPUs as they are, whatever a conductor thinks of them: in which guest each is, and who had it since it was
/// cleaned.
///
/// It does what its conductor says and checks nothing that the conductor has to see to, so that each mistake of the
/// conductor shows as one of the ``mistakes``.
actor GPUHost {
    private struct Card {
        /// What was done under a claim.
        enum Record { case used, cleaned, faulty }

        /// Another number is another card.
        var identity = 1
        var isPresent = true
        /// Whether it was away since it was cleaned.
        var isUnknown = false
        /// Whether the host cannot pass it through.
        var isBlocked = false
        /// What the node's ledger has.
        var claim: Int64
        var record = Record.cleaned
        /// Who had it since it was cleaned, and under which claim.
        var user: String?
        var guest: MachineUUID?
    }

    private(set) var mistakes: [String] = []
    /// How often a card went to a guest that did not have it.
    private(set) var handOvers = 0
    private let node: SpeakingNode
    private var cards: [Card]
    /// The sets of cards that a machine may have; none where it may have any.
    private let partitions: [FabricPartition]
    private var generator: RepeatableGenerator
    private var applied: [MachineUUID: Generation] = [:]
    private var oldInventory: [GPUInventory] = []
    private var oldDesired: DesiredState?

    init(_ name: String, in cloud: Cloud, cards: Int, hasFabric: Bool = false, seed: UInt64) async throws {
        let gpus = try (1...cards).map { try GPUInventory.example($0, numaNode: $0 / 3) }
        partitions = hasFabric ? FabricPartition.examples(of: gpus.map(\.address)) : []
        node = try await SpeakingNode(name, in: cloud, gpus: gpus, fabricPartitions: partitions)
        self.cards = await node.inventory.gpus.map { Card(claim: $0.claim) }
        generator = RepeatableGenerator(seed)
    }

    /// Something that happens to a host, or that its agent does.
    func turn() async throws {
        if let index = cards.firstIndex(where: { !$0.isPresent || $0.isBlocked }), chance(3) {
            mend(index)
            return try await tell(inventory())
        }
        let index = Int.random(in: cards.indices, using: &generator)
        switch Int.random(in: 0..<24, using: &generator) {
        case 0..<8: try await converge(isLate: chance(8), isHeard: !chance(6))
        case 8..<16: try await clean(canFail: true)
        case 16: try await tell(oldInventory.isEmpty ? inventory() : oldInventory)
        case 17: oldInventory = try inventory()
        case 18:
            if chance(2) { loseLedger() }
            try await restart()
        case 19:
            cards[index].isPresent = false
            try await tell(inventory())
        case 20 where cards[index].guest == nil && cards[index].record != .used:
            (cards[index].identity, cards[index].user) = (cards[index].identity + 1, "a card before")
            if chance(2) { try await restart() }
        case 21:
            cards[index].isBlocked = true
            try await tell(inventory())
        default: try await tell(inventory())
        }
    }

    private func mend(_ index: Int) {
        if !cards[index].isPresent { cards[index].isUnknown = true }
        (cards[index].isPresent, cards[index].isBlocked) = (true, false)
    }

    /// Mends all that a host can have, and does what is asked for.
    func recover() async throws {
        for index in cards.indices { mend(index) }
        try await converge(isLate: false, isHeard: true)
        try await tell(inventory())
        try await clean(canFail: false)
    }

    private func chance(_ one: Int) -> Bool { Int.random(in: 0..<one, using: &generator) == 0 }

    // MARK: - What the agent says

    private func inventory() throws -> [GPUInventory] {
        try cards.enumerated().filter(\.element.isPresent)
            .map { index, card in
                let isFaulty = card.isBlocked || card.record == .faulty
                let isReady = card.record == .cleaned && card.guest == nil && !card.isUnknown
                var unit = try GPUInventory.example(
                    index + 1,
                    isFaulty ? .faulty : isReady ? .ready : .busy,
                    numaNode: (index + 1) / 3,
                    claim: card.claim
                )
                unit.functions[0].subsystemID = Self.identity(card)
                return unit
            }
    }

    private static func identity(_ card: Card) -> String {
        card.identity == 1 ? "10de:16c1" : "10de:\(1000 + card.identity)"
    }

    private func tell(_ gpus: [GPUInventory]) async throws {
        await set(gpus)
        try await node.report(withInventory: true)
    }

    private func set(_ gpus: [GPUInventory]) async {
        var inventory = await node.inventory
        inventory.gpus = gpus
        await node.set(inventory)
    }

    private func restart() async throws {
        await set(try inventory())
        try await node.openSession()
    }

    private func loseLedger() {
        for index in cards.indices { (cards[index].claim, cards[index].record) = (0, .used) }
    }

    // MARK: - What the agent does

    /// Cleans what the conductor asks for. Now and then it cannot, or dies before it says so.
    private func clean(canFail: Bool) async throws {
        for unclean in try await node.report().uncleanGPUs {
            let index = Int(unclean.address.bus) - 1
            let card = cards[index]
            guard card.isPresent, card.guest == nil, !card.isBlocked else { continue }
            guard !unclean.isReturned else {
                cards[index].record = .used
                continue
            }
            guard unclean.claim > card.claim || unclean.claim == card.claim && card.record == .used else { continue }
            cards[index].claim = unclean.claim
            guard !canFail || !chance(6) else {
                cards[index].record = .faulty
                continue
            }
            (cards[index].record, cards[index].user, cards[index].isUnknown) = (.cleaned, nil, false)
        }
        if canFail, chance(6) { return }
        try await tell(inventory())
    }

    /// Does what is wanted of each machine, or what was wanted when the agent asked before.
    private func converge(isLate: Bool, isHeard: Bool) async throws {
        let now = try await node.desired()
        let desired = isLate ? oldDesired ?? now : now
        oldDesired = now
        let reports = (desired?.machines ?? []).filter { $0.generation >= applied[$0.uuid, default: $0.generation] }
            .map { task in
                applied[task.uuid] = task.generation
                let canStart = task.power != .running || start(task)
                if task.power != .running { stop(task.uuid) }
                let fault = Fault(.hostGPUUnavailable, "The host has another GPU.")
                return task.done(power: canStart ? nil : .absent, fault: canStart ? nil : fault)
            }
        if isHeard { try await node.report(reports) }
    }

    private func stop(_ machine: MachineUUID) {
        for index in cards.indices where cards[index].guest == machine { cards[index].guest = nil }
    }

    /// Hands the machine's GPUs to its guest.
    ///
    /// - Returns: false when the host itself sees that it has not what the machine was given.
    private func start(_ task: MachineTask) -> Bool {
        let assignments = task.spec?.gpus ?? []
        let isThere = assignments.allSatisfy { assignment in
            let card = cards[Int(assignment.address.bus) - 1]
            return card.guest == task.uuid
                || card.isPresent && !card.isBlocked && !card.isUnknown
                    && assignment.functions.map(\.subsystemID) == [Self.identity(card)]
        }
        guard isThere else {
            stop(task.uuid)
            return false
        }
        let addresses = assignments.map(\.address)
        if !partitions.isEmpty, !addresses.isEmpty, !partitions.contains(where: { $0.gpus == addresses.sorted() }) {
            mistakes.append("\(task.uuid) was given \(addresses), which are no partition.")
        }
        for assignment in assignments { handOver(assignment, to: task.uuid) }
        return true
    }

    private func handOver(_ assignment: GPUAssignment, to machine: MachineUUID) {
        let index = Int(assignment.address.bus) - 1
        let user = "\(machine) under \(assignment.claim)"
        if let guest = cards[index].guest, guest != machine {
            mistakes.append("\(assignment.address) is in the guest of \(guest) and was given to \(user).")
        }
        if let former = cards[index].user, former != user {
            mistakes.append("\(assignment.address) was given to \(user) and not cleaned after \(former).")
        }
        if cards[index].user == nil { handOvers += 1 }
        (cards[index].guest, cards[index].user) = (machine, user)
        (cards[index].claim, cards[index].record) = (assignment.claim, .used)
    }
}
