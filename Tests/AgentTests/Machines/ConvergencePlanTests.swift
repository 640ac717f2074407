// SPDX-License-Identifier: Apache-2.0

import GantryModel
import GantryProtocol
import Testing

@testable import Agent

@Suite("What is done to a machine follows from what is wanted and what is there")
struct ConvergencePlanTests {
    private func task(_ power: WantedPower, boot: Int = 1) throws -> MachineTask {
        MachineTask(
            node: try NodeName("n1"),
            machineID: VirtualMachineID(7),
            uuid: MachineUUID(),
            generation: Generation(3),
            power: power,
            bootCounter: boot,
            spec: nil
        )
    }

    private func domain(_ task: MachineTask, _ state: ObservedDomain.State, boot: Int = 1) -> ObservedDomain {
        var mark = MachineMark(task)
        mark.bootCounter = boot
        return ObservedDomain(uuid: task.uuid, mark: mark, state: state)
    }

    @Test("A machine that is to run and has no domain, or one that is off, is built and started")
    func build() throws {
        let task = try task(.running)
        let none = ConvergencePlan(for: task, applied: false, domain: nil)
        #expect(none.stages.first == [.image])
        #expect(none.stages.last == [.start])
        #expect(ConvergencePlan(for: task, applied: true, domain: domain(task, .off)) == none)
    }

    @Test("One that runs as wanted is left alone; for a newer task its network parts are renewed")
    func nothing() throws {
        let task = try task(.running)
        #expect(ConvergencePlan(for: task, applied: true, domain: domain(task, .running)) == .nothing)
        let newer = ConvergencePlan(for: task, applied: false, domain: domain(task, .running))
        #expect(newer.stages == [[.network, .filter]])
    }

    @Test("A higher boot counter ends and starts what runs, held or not, and starts what shut itself down")
    func reboot() throws {
        let task = try task(.running, boot: 2)
        let running = ConvergencePlan(for: task, applied: false, domain: domain(task, .running))
        #expect(running.stages.first == [.destroy])
        #expect(running.stages.last == [.start])
        let off = ConvergencePlan(for: task, applied: true, domain: domain(task, .shutDown))
        #expect(off.stages.last == [.start])
    }

    @Test(
        "What a guest did to itself after its start is not undone",
        arguments: [ObservedDomain.State.shutDown, .crashed]
    )
    func guestsOwn(_ state: ObservedDomain.State) throws {
        let task = try task(.running)
        #expect(ConvergencePlan(for: task, applied: true, domain: domain(task, state)) == .nothing)
        #expect(ConvergencePlan(for: task, applied: false, domain: domain(task, state)).stages.last == [.start])
    }

    @Test(
        "One that is to be off is shut down, and gets what changed at once",
        arguments: [WantedPower.stopped, .hibernated]
    )
    func stop(_ power: WantedPower) throws {
        let task = try task(power)
        let (off, on) = (domain(task, .off), domain(task, .running))
        #expect(ConvergencePlan(for: task, applied: true, domain: on).stages == [[.shutDown]])
        #expect(ConvergencePlan(for: task, applied: true, domain: domain(task, .paused(""))).stages == [[.shutDown]])
        #expect(ConvergencePlan(for: task, applied: false, domain: on).stages == [[.shutDown], [.network, .filter]])
        #expect(ConvergencePlan(for: task, applied: false, domain: off).stages == [[.network, .filter]])
        #expect(ConvergencePlan(for: task, applied: true, domain: off) == .nothing)
        var other = try self.task(power)
        other.spec = try Example.spec()
        #expect(
            ConvergencePlan(for: other, applied: true, domain: on).stages
                == [[.shutDown], [.network, .filter], [.define]]
        )
        #expect(ConvergencePlan(for: other, applied: true, domain: off).stages == [[.network, .filter], [.define]])
        #expect(ConvergencePlan(for: other, applied: false, domain: nil).stages == [[.unfilter], [.unlink]])
        #expect(ConvergencePlan(for: other, applied: true, domain: nil) == .nothing)
    }

    @Test("A running one of another specification gets what changes at once, and is not started anew")
    func change() throws {
        let task = try task(.running)
        var other = task
        other.spec = try Example.spec()
        let plan = ConvergencePlan(for: other, applied: false, domain: domain(task, .running))
        #expect(plan.stages == [[.network, .filter], [.plug], [.define]])
    }

    @Test("GPUs are bound before each start, whatever was there, and for no other change")
    func gpus() throws {
        var task = try task(.running, boot: 2)
        task.spec = try Example.spec(gpus: [Example.gpu(1, claim: 2)])
        let states: [ObservedDomain.State?] = [nil, .off, .shutDown, .running, .paused("")]
        for state in states {
            let there = state.map { domain(task, $0) }
                .map { old in
                    var old = old
                    old.mark.bootCounter = 1
                    return old
                }
            let steps = ConvergencePlan(for: task, applied: false, domain: there).stages
            #expect(steps.suffix(3) == [[.bind], [.define], [.start]])
        }
        var current = domain(task, .running)
        current.mark = MachineMark(task)
        let running = ConvergencePlan(for: task, applied: false, domain: current)
        #expect(!running.stages.joined().contains(.bind))
        var stopped = task
        stopped.power = .stopped
        #expect(!ConvergencePlan(for: stopped, applied: false, domain: nil).stages.joined().contains(.bind))
    }

    @Test("Volumes have files before a guest gets them, and are plugged before the definition says that they are")
    func volumes() throws {
        var task = try task(.running)
        let plain = domain(task, .running)
        task.spec = try Example.spec()
        task.spec?.volumes = [VolumeSpec(uuid: VolumeUUID(), pool: "local", sizeGiB: 1)]
        let running = ConvergencePlan(for: task, applied: false, domain: plain)
        #expect(running.stages == [[.network, .filter], [.volumes], [.plug], [.define]])
        let build = ConvergencePlan(for: task, applied: false, domain: nil)
        #expect(build.stages.prefix(2) == [[.image], [.volumes]])
        for power in [WantedPower.stopped, .hibernated] {
            task.power = power
            let off = ConvergencePlan(for: task, applied: false, domain: domain(task, .off))
            #expect(off.stages == [[.network, .filter], [.volumes]])
            #expect(ConvergencePlan(for: task, applied: false, domain: nil).stages.first == [.volumes])
        }
    }

    @Test("A held one stays held until somebody asks for a reboot")
    func paused() throws {
        let task = try task(.running, boot: 2)
        let plan = ConvergencePlan(for: task, applied: false, domain: domain(task, .paused("No space.")))
        #expect(plan.stages.first == [.destroy])
        #expect(plan.stages.last == [.start])
        let same = ConvergencePlan(for: task, applied: true, domain: domain(task, .paused("No space."), boot: 2))
        #expect(same == .nothing)
    }

    @Test("A machine that is to be gone is taken down from any state")
    func tearDown() throws {
        let task = try task(.absent)
        for domain in [nil, domain(task, .running), domain(task, .off), domain(task, .crashed)] {
            #expect(ConvergencePlan(for: task, applied: false, domain: domain) == .tearDown)
        }
    }

    @Test("A create and a delete go through exactly the steps of the plans")
    func tables() throws {
        let build = ConvergencePlan(for: try task(.running), applied: false, domain: nil).stages.joined()
        #expect(Set(build).isSubset(of: Set(ConvergenceStep.create)))
        #expect(Set(ConvergencePlan.tearDown.stages.joined()).isSubset(of: Set(ConvergenceStep.delete)))
    }
}
