// SPDX-License-Identifier: Apache-2.0

import Agent
import GantryModel
import GantryProtocol
import GantryTestSupport
import SimulatedHost
import Testing

@Suite("A machine is brought to what is wanted, and told of truly on the way")
struct MachineWorkerTests {
    private let uuid: MachineUUID

    init() throws {
        uuid = try MachineUUID(Example.uuid)
    }

    /// Lends a node on a host of its own; its work ends with the test.
    private func withNode(
        host: SimulatedHost = SimulatedHost(),
        listener: Listener = Listener(),
        slots: Int = 8,
        observer: StepObserver = StepObserver(),
        _ body: (SimulatedNode, String) async throws -> Void
    ) async throws {
        try await withTemporaryDirectory { folder in
            let node = try SimulatedNode(
                folder: folder,
                host: host,
                listener: listener,
                slots: slots,
                observer: observer
            )
            let result: Result<Void, any Error>
            do {
                result = .success(try await body(node, folder))
            } catch {
                result = .failure(error)
            }
            await node.supervisor.stop()
            try result.get()
        }
    }

    /// Waits for a report at a generation, with a fault or without.
    @discardableResult
    private func told(
        _ node: SimulatedNode,
        _ generation: Int64,
        fault code: Fault.Code? = nil
    ) async throws -> MachineReport {
        try await eventually("generation \(generation) is told of", timeout: .seconds(10)) {
            guard let report = await node.listener.last(uuid), report.appliedGeneration == Generation(generation),
                report.fault?.code == code
            else { return nil }
            return report
        }
    }

    private func state(_ node: SimulatedNode) async -> SimulatedMachine? { await node.host.machines[uuid] }

    // MARK: - Life

    @Test("Built, reported with its floating IP wired, taken down with nothing left, forgotten")
    func life() async throws {
        try await withNode { node, _ in
            let spec = try Example.spec(floatingIP: "192.0.2.7")
            try await node.supervisor.take(try Example.task(spec: spec))
            let report = try await told(node, 1)
            #expect(report.power == .running && report.floatingIPWired && report.bootCounter == 1)
            // On the way nothing is claimed that is not so yet.
            for early in await node.listener.reports where early.activity != nil {
                #expect(early.appliedGeneration == Generation(0) && !early.floatingIPWired)
            }
            let steps = await node.listener.activities.map(\.step)
            #expect(Set(steps) == ["image", "overlay", "seed", "network", "filter", "define", "start"])
            #expect(await node.host.floatingIPs == [try IPv4Address("192.0.2.7")])

            try await node.supervisor.take(try Example.task(.absent, generation: 2))
            #expect(try await told(node, 2).power == .absent)
            #expect(await node.host.holdings == [])
            try await eventually("it is forgotten") { await node.journal.all.isEmpty }
        }
    }

    @Test("Stopped, started and rebooted with its disk")
    func power() async throws {
        try await withNode { node, _ in
            try await node.supervisor.take(try Example.task())
            try await told(node, 1)
            let disk = await state(node)?.disk
            try await node.supervisor.take(try Example.task(.stopped, generation: 2))
            #expect(try await told(node, 2).power == .stopped)
            try await node.supervisor.take(try Example.task(generation: 3))
            #expect(try await told(node, 3).power == .running)
            try await node.supervisor.take(try Example.task(generation: 4, boot: 2))
            let report = try await told(node, 4)
            #expect(report.power == .running && report.bootCounter == 2)
            #expect(await state(node)?.disk == disk)
        }
    }

    @Test("A floating IP comes and goes on a guest that runs or is off, and each is told of its generation")
    func floatingIP() async throws {
        try await withNode { node, _ in
            let (with, without) = (try Example.spec(floatingIP: "192.0.2.7"), try Example.spec())
            try await node.supervisor.take(try Example.task(spec: without))
            #expect(try await told(node, 1).floatingIPWired == false)
            for (generation, power) in [(2, WantedPower.running), (4, .stopped)] as [(Int64, WantedPower)] {
                try await node.supervisor.take(try Example.task(power, generation: generation, spec: with))
                #expect(try await told(node, generation).floatingIPWired)
                #expect(await node.host.floatingIPs == [try IPv4Address("192.0.2.7")])
                try await node.supervisor.take(try Example.task(power, generation: generation + 1, spec: without))
                #expect(try await told(node, generation + 1).floatingIPWired == false)
                #expect(await node.host.floatingIPs.isEmpty)
            }
        }
    }

    @Test("A power cut takes everything but disks; the next agent brings everything back")
    func powerCut() async throws {
        let host = SimulatedHost()
        try await withNode(host: host) { node, folder in
            let spec = try Example.spec(floatingIP: "192.0.2.7")
            try await node.supervisor.take(try Example.task(spec: spec))
            try await told(node, 1)
            let (before, machine) = (await host.holdings.sorted(), await state(node))
            await host.disturb { step, _ in step == .destroy ? Disturbance(.powerCut) : nil }
            try await node.supervisor.take(try Example.task(generation: 2, boot: 2, spec: spec))
            try await eventually("the power is gone") { await host.isAgentDead }
            await host.disturb { _, _ in nil }
            await node.supervisor.stop()
            #expect(await host.networks.isEmpty)

            let next = try SimulatedNode(folder: folder, host: host)
            await next.start()
            try await next.supervisor.lookAtAll()
            #expect(try await told(next, 2).power == .running)
            #expect(await state(next)?.disk == machine?.disk)
            #expect(await host.holdings.count == before.count)
            await next.supervisor.stop()
        }
    }

    // MARK: - Newer tasks

    @Test("A newer task ends a step that hangs, which is no fault", arguments: [WantedPower.absent, .stopped])
    func superseded(_ power: WantedPower) async throws {
        try await withNode { node, _ in
            await node.host.disturb { step, _ in step == .image ? Disturbance(.hang) : nil }
            try await node.supervisor.take(try Example.task())
            try await eventually("the step is under way") { await node.listener.activities.last?.step == "image" }
            try await node.supervisor.take(try Example.task(power, generation: 2))
            #expect(try await told(node, 2).power == (power == .absent ? .absent : .stopped))
            #expect(await node.host.holdings == [])
            #expect(await node.listener.reports.allSatisfy { $0.fault == nil })
        }
    }

    @Test("An older task that comes late changes nothing")
    func late() async throws {
        try await withNode { node, _ in
            try await node.supervisor.take(try Example.task(.stopped, generation: 5))
            try await told(node, 5)
            let count = await node.listener.reports.count
            try await node.supervisor.take(try Example.task(generation: 4))
            try await eventually("it is looked at") { await node.listener.reports.count > count }
            #expect(try await told(node, 5).power == .stopped)
            #expect(await node.host.holdings == [])
        }
    }

    // MARK: - Faults

    @Test("What may pass is tried again, its reason told until it has")
    func retried() async throws {
        try await withNode { node, _ in
            let attempts = Shared(0)
            let fault = Fault(.hostCommandFailed, "The seed could not be made on the node.")
            await node.host.disturb { step, _ in
                step == .seed && attempts.change { $0 += 1 } <= 3 ? Disturbance(.fail(fault), isLate: true) : nil
            }
            try await node.supervisor.take(try Example.task())
            #expect(try await told(node, 1).power == .running)
            let (reports, notes) = await (node.listener.reports, node.listener.notes)
            #expect(reports.filter { $0.fault == fault && $0.appliedGeneration == Generation(1) }.count >= 3)
            // Also while it is worked on again.
            #expect(notes.contains { $0.fault == fault && $0.activity != nil })
            #expect(attempts.value == 4)
        }
    }

    @Test("What this node cannot do is undone, told, and left until somebody asks again")
    func givenUp() async throws {
        try await withNode { node, folder in
            await node.host.disturb { step, _ in
                step == .define ? Disturbance(.fail(Fault(.hypervisorRefused, "No.")), isLate: true) : nil
            }
            let spec = try Example.spec(floatingIP: "192.0.2.7")
            try await node.supervisor.take(try Example.task(spec: spec))
            let report = try await told(node, 1, fault: .hypervisorRefused)
            #expect(report.power == .absent && !report.floatingIPWired)
            #expect(await node.host.holdings == [])
            await node.host.disturb { _, _ in nil }
            try await node.supervisor.lookAtAll()
            #expect(try await told(node, 1, fault: .hypervisorRefused).power == .absent)
            #expect(await node.host.holdings == [])

            // Nor does another agent wire what is not there.
            await node.supervisor.stop()
            let next = try SimulatedNode(folder: folder, host: node.host)
            await next.start()
            #expect(await node.host.holdings == [])
            try await next.supervisor.take(try Example.task(generation: 2, spec: spec))
            #expect(try await told(next, 2).power == .running)
            await next.supervisor.stop()
        }
    }

    @Test("A machine that has run waits for a GPU that something else has for the moment")
    func busyGPU() async throws {
        try await withNode { node, _ in
            try await node.supervisor.take(try Example.task())
            try await told(node, 1)
            try await node.supervisor.take(try Example.task(.stopped, generation: 2))
            try await told(node, 2)
            let fault = Fault(.hostGPUBusy, "A GPU of the machine is in use on the node.")
            await node.host.disturb { step, _ in step == .start ? Disturbance(.fail(fault)) : nil }
            try await node.supervisor.take(try Example.task(generation: 3))
            try await eventually("it waits, and says for what") { await node.listener.last(uuid)?.fault == fault }
            await node.host.disturb { _, _ in nil }
            #expect(try await told(node, 3).power == .running)
        }
    }

    @Test("A machine that has run keeps its disk when it cannot be started")
    func kept() async throws {
        try await withNode { node, _ in
            try await node.supervisor.take(try Example.task())
            try await told(node, 1)
            let disk = await state(node)?.disk
            try await node.supervisor.take(try Example.task(.stopped, generation: 2))
            try await told(node, 2)
            await node.host.disturb { step, _ in
                step == .start ? Disturbance(.fail(Fault(.hypervisorRefused, "No."))) : nil
            }
            try await node.supervisor.take(try Example.task(generation: 3))
            #expect(try await told(node, 3, fault: .hypervisorRefused).power == .stopped)
            #expect(disk != nil)
            #expect(await state(node)?.disk == disk)
        }
    }

    @Test(
        "A deletion is tried until it is done, and absence is told no sooner",
        arguments: [ConvergenceStep.destroy, .undefine, .unfilter, .unlink, .remove]
    )
    func stubbornDeletion(_ step: ConvergenceStep) async throws {
        try await withNode { node, _ in
            try await node.supervisor.take(try Example.task())
            try await told(node, 1)
            let attempts = Shared(0)
            await node.host.disturb { reached, _ in
                reached == step && attempts.change { $0 += 1 } <= 3
                    ? Disturbance(.fail(Fault(.hostNetworkFailed, "No."))) : nil
            }
            try await node.supervisor.take(try Example.task(.absent, generation: 2))
            try await told(node, 2)
            #expect(await node.host.holdings == [])
            let faults = await node.listener.reports.filter { $0.fault != nil }
            #expect(faults.count >= 3)
            #expect(faults.allSatisfy { $0.power != .absent })
        }
    }

    @Test("While libvirt is away nothing is said of a machine, and afterwards all is done")
    func unreachable() async throws {
        try await withNode { node, _ in
            await node.host.setReachable(false)
            try await node.supervisor.take(try Example.task())
            try await node.supervisor.take(DesiredState.empty)
            await #expect(throws: Fault.self) { try await node.supervisor.lookAtAll() }
            #expect(await node.listener.reports == [])
            await node.host.setReachable(true)
            #expect(try await told(node, 1).power == .running)
        }
    }

    // MARK: - The guest's own

    @Test("A guest that shuts itself down stays so, also when libvirt has forgotten why, until a newer task")
    func ownShutdown() async throws {
        try await withNode { node, folder in
            try await node.supervisor.take(try Example.task())
            try await told(node, 1)
            await node.host.guest(uuid, becomes: .shutDown)
            await node.supervisor.look(at: uuid)
            try await eventually("it is told") { await node.listener.last(uuid)?.guestShutDown == true }
            await node.supervisor.stop()
            // libvirtd starts anew, and the agent.
            await node.host.forgetReasons()
            let next = try SimulatedNode(folder: folder, host: node.host)
            await next.start()
            try await next.supervisor.lookAtAll()
            #expect(try await told(next, 1).guestShutDown)
            #expect(await state(next)?.domain?.state == .off)
            try await next.supervisor.take(try Example.task(generation: 2, boot: 2))
            let report = try await told(next, 2)
            #expect(report.power == .running && !report.guestShutDown)
            await next.supervisor.stop()
        }
    }

    @Test(
        "A crashed or held guest is a fault with its reason, and a reboot brings it back",
        arguments: [
            (ObservedDomain.State.crashed, Fault.Code.guestCrashed), (.paused("Its disk is full."), .guestPaused),
        ]
    )
    func ownFault(_ state: ObservedDomain.State, _ code: Fault.Code) async throws {
        try await withNode { node, _ in
            try await node.supervisor.take(try Example.task())
            try await told(node, 1)
            let disk = await self.state(node)?.disk
            await node.host.guest(uuid, becomes: state)
            await node.supervisor.look(at: uuid)
            try await told(node, 1, fault: code)
            try await node.supervisor.take(try Example.task(generation: 2, boot: 2))
            #expect(try await told(node, 2).power == .running)
            #expect(await self.state(node)?.disk == disk)
        }
    }

    @Test("A guest that somebody else switched off is started again")
    func switchedOff() async throws {
        try await withNode { node, _ in
            try await node.supervisor.take(try Example.task())
            try await told(node, 1)
            await node.host.guest(uuid, becomes: .off)
            await node.supervisor.look(at: uuid)
            try await eventually("it runs") { await state(node)?.domain?.state == .running }
        }
    }

    // MARK: - The conductor's ear

    @Test("Absence is told until the conductor has taken it, over restarts too")
    func untold() async throws {
        try await withNode(listener: Listener(isListening: false)) { node, folder in
            try await node.supervisor.take(try Example.task())
            try await told(node, 1)
            try await node.supervisor.take(try Example.task(.absent, generation: 2))
            try await told(node, 2)
            await node.supervisor.stop()
            let next = try SimulatedNode(folder: folder, host: node.host)
            await next.start()
            #expect(await next.journal.all.count == 1)
            try await next.supervisor.lookAtAll()
            #expect(try await told(next, 2).power == .absent)
            try await eventually("it is forgotten") { await next.journal.all.isEmpty }
            await next.supervisor.stop()
        }
    }

    // MARK: - Side by side

    @Test("A download or shutdown that lasts keeps no other machine from its turn")
    func waiting() async throws {
        try await withNode(slots: 1) { node, _ in
            let uuid = uuid
            await node.host.disturb { step, machine in
                step == .image && machine != uuid ? Disturbance(.hang) : nil
            }
            for id: Int64 in 20...23 {
                let spec = try Example.spec(index: Int(id))
                try await node.supervisor.take(try Example.task(uuid: MachineUUID().description, id: id, spec: spec))
            }
            try await node.supervisor.take(try Example.task())
            #expect(try await told(node, 1).power == .running)
        }
    }

    @Test("No more machines are worked on at once than the operator said")
    func bounded() async throws {
        let (images, now, most) = (Shared(0), Shared(0), Shared(0))
        let observer = StepObserver { step, edge in
            if step == .image, edge == .after { images.change { $0 += 1 } }
            guard step == .define else { return }
            let count = now.change { $0 += edge == .before ? 1 : -1 }
            most.change { $0 = max($0, count) }
        }
        try await withNode(slots: 2, observer: observer) { node, _ in
            await node.host.disturb { step, _ in step == .define ? Disturbance(.hang) : nil }
            for id: Int64 in 20...31 {
                let spec = try Example.spec(index: Int(id))
                try await node.supervisor.take(try Example.task(uuid: MachineUUID().description, id: id, spec: spec))
            }
            try await eventually("two are worked on, and the others wait") { images.value == 12 && now.value == 2 }
            // At the end each that is ended lets another one begin.
            #expect(most.value == 2)
        }
    }
}

extension DesiredState {
    static let empty = DesiredState(revision: 1, machines: [], floatingIPPools: [])
}
