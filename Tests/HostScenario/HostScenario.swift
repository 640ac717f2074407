// SPDX-License-Identifier: Apache-2.0

package import Agent
import GantryModel
package import GantryProtocol

/// One sequence of steps and of a guest's own doings, and what is seen of the machine after each: for either side of
/// ``Host``, so that a test can hold the two against each other.
package struct HostScenario {
    /// What a guest, or somebody on its host, does beside the agent.
    package enum Event: String, Sendable {
        /// The guest shuts itself down.
        case shutDown
        /// Its QEMU dies.
        case crash
        /// An operator pulls the plug.
        case unplug
        /// An operator holds it.
        case hold
    }

    private let host: any Agent.Host
    private let task: MachineTask
    private let cause: (Event) async throws -> Void
    private var seen: [String] = []

    /// - Parameters:
    ///   - host: One of the sides, without machines.
    ///   - task: A machine that is to run, with an image that the host can fetch.
    ///   - cause: Makes an event happen to it, and waits until it has.
    package init(_ host: any Agent.Host, _ task: MachineTask, cause: @escaping (Event) async throws -> Void) {
        (self.host, self.task, self.cause) = (host, task, cause)
    }

    /// Goes through the whole, and returns a line for each thing done: what came of it and what was seen then.
    package mutating func run() async throws -> [String] {
        await unknown()
        await create()
        try await life()
        try await hibernation()
        await lastThings()
        return seen
    }

    // MARK: - Its parts

    /// A machine that the host never heard of.
    private mutating func unknown() async {
        for step in [ConvergenceStep.start, .destroy, .shutDown] { await perform(step) }
        for step in ConvergencePlan.tearDown.stages.joined() { await perform(step) }
    }

    /// A build that lacks something, half a build that is taken down, a whole one, each step twice.
    private mutating func create() async {
        for step in [ConvergenceStep.image, .overlay, .seed, .define, .start] { await perform(step) }
        for step in ConvergencePlan.tearDown.stages.joined() { await perform(step) }
        for step in [ConvergenceStep.image, .network, .filter, .define, .start] { await perform(step) }
        for step in ConvergencePlan.tearDown.stages.joined() { await perform(step) }
        for step in [ConvergenceStep.image, .overlay, .seed, .network, .filter, .define, .start] {
            await perform(step)
            await perform(step)
        }
    }

    private mutating func life() async throws {
        await perform(.define, generation: 2, boot: 2)
        for event in [Event.shutDown, .crash, .unplug] {
            try await happen(event)
            await perform(.destroy)
            await perform(.define, generation: 3, boot: 3)
            await perform(.start)
        }
        try await happen(.hold)
        await perform(.define, generation: 4, boot: 4)
        await perform(.destroy)
        await perform(.start)
        await perform(.shutDown)
        await perform(.shutDown)
        await perform(.start)
    }

    /// Hibernated, which for the host is no more than off, and restored, by the steps that the agent would take.
    private mutating func hibernation() async throws {
        try await converge(to: .hibernated, generation: 5)
        try await converge(to: .hibernated, generation: 5)
        try await converge(to: .running, generation: 6)
    }

    /// What is undefined while it runs is not ours to see any more, but still to end.
    private mutating func lastThings() async {
        await perform(.undefine)
        for step in ConvergencePlan.tearDown.stages.joined() { await perform(step) }
    }

    // MARK: - Doing and looking

    private mutating func converge(to power: WantedPower, generation: Int64) async throws {
        var task = task
        (task.power, task.generation, task.bootCounter) = (power, Generation(generation), 4)
        let plan = ConvergencePlan(for: task, applied: false, domain: try await host.domain(task.uuid))
        for step in plan.stages.joined() { await perform(step, task) }
    }

    private mutating func perform(_ step: ConvergenceStep, generation: Int64 = 1, boot: Int = 1) async {
        var task = task
        (task.generation, task.bootCounter) = (Generation(generation), boot)
        await perform(step, task)
    }

    private mutating func perform(_ step: ConvergenceStep, _ task: MachineTask) async {
        do throws(Fault) {
            try await host.perform(step, for: task) { _ in }
            await look(step.rawValue, "done")
        } catch {
            await look(step.rawValue, error.code.rawValue)
        }
    }

    private mutating func happen(_ event: Event) async throws {
        try await cause(event)
        await look(event.rawValue, "happened")
    }

    private mutating func look(_ what: String, _ result: String) async {
        let files = await host.machinesWithFiles().contains(task.uuid) ? "files" : "no files"
        do throws(Fault) {
            let (all, own) = (try await host.domains(), try await host.domain(task.uuid))
            let state = own.map { "\(Self.word(for: $0.state)) at \($0.mark.generation)/\($0.mark.bootCounter)" }
            let agrees = all == [own].compactMap { $0 }
            seen.append("\(what) \(result): \(state ?? "none"), \(files)\(agrees ? "" : ", but listed otherwise")")
        } catch {
            seen.append("\(what) \(result): \(error.code.rawValue), \(files)")
        }
    }

    private static func word(for state: ObservedDomain.State) -> String {
        switch state {
        case .running: "running"
        case .paused: "held"
        case .shutDown: "shut down"
        case .crashed: "crashed"
        case .off: "off"
        }
    }
}
