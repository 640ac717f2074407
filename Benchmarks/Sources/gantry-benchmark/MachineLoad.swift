// SPDX-License-Identifier: Apache-2.0

import GantryModel
import SimulatedFleet
import Synchronization

/// Clients that create or delete machines, each the next one when its last is done.
struct MachineLoad: Sendable {
    let api: API
    let watch: MachineWatch
    let clients: Int

    /// Nothing measured takes longer.
    private static let limit = Duration.seconds(180)

    /// What a number of operations came to.
    struct Result: Sendable {
        var machines: [VirtualMachineID] = []
        /// From the request until its answer.
        var answered = Latencies()
        /// From the request until the machine was as wanted.
        var finished = Latencies()
        /// From the first request until the last machine was as wanted.
        var duration = Duration.zero

        var perSecond: Double { Double(machines.count) / (duration / .seconds(1)) }
    }

    /// Creates machines and waits until each is ACTIVE.
    func create(_ count: Int) async throws -> Result {
        try await run(Array(0..<count), { _ in VirtualMachineID(try await api.createMachine().id) }, until: .running)
    }

    /// Deletes machines and waits until each is gone.
    func delete(_ machines: [VirtualMachineID]) async throws -> Result {
        let delete = { @Sendable (machine: VirtualMachineID) in
            try await api.deleteMachine(machine.rawValue)
            return machine
        }
        return try await run(machines, delete, until: .gone)
    }

    private func run<Item: Sendable>(
        _ items: [Item],
        _ operation: @escaping @Sendable (Item) async throws -> VirtualMachineID,
        until change: MachineWatch.Change
    ) async throws -> Result {
        let tally = Tally(items)
        let clock = ContinuousClock()
        let begin = clock.now
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<clients {
                group.addTask {
                    while let item = tally.next() {
                        let asked = clock.now
                        let machine = try await operation(item)
                        let answered = clock.now
                        let finished = try await watch.moment(of: change, machine)
                        tally.add(machine, answered: answered - asked, finished: max(finished, answered) - asked)
                    }
                }
            }
            group.addTask {
                try await Task.sleep(for: Self.limit)
                throw Trouble("The machines were not as wanted within \(Self.limit).")
            }
            for _ in 0..<clients { try await group.next() }
            group.cancelAll()
        }
        return tally.result(in: clock.now - begin)
    }
}

/// What the clients share: the work that is left and what came of the rest.
private final class Tally<Item: Sendable>: Sendable {
    private let items: Mutex<IndexingIterator<[Item]>>
    private let result = Mutex(MachineLoad.Result())

    init(_ items: [Item]) {
        self.items = Mutex(items.makeIterator())
    }

    func next() -> Item? { items.withLock { $0.next() } }

    func add(_ machine: VirtualMachineID, answered: Duration, finished: Duration) {
        result.withLock { result in
            result.machines.append(machine)
            result.answered.record(answered)
            result.finished.record(finished)
        }
    }

    func result(in duration: Duration) -> MachineLoad.Result {
        result.withLock { result in
            result.duration = duration
            return result
        }
    }
}
