// SPDX-License-Identifier: Apache-2.0

import Conductor
import GantryModel
import Testing

@Suite("The phases of a machine")
struct MachinePhaseTests {
    @Test("Every phase but the last can be deleted", arguments: MachinePhase.allCases)
    func deletable(phase: MachinePhase) {
        let expected: MachinePhase? = phase == .deleted || phase == .deleting ? nil : .deleting
        #expect(phase.after(.delete) == expected)
    }

    @Test("Only a confirmed absence ends a machine, and nothing follows it")
    func onlyGoneDeletes() {
        for phase in MachinePhase.allCases {
            for trigger in MachinePhase.Trigger.allCases where phase.after(trigger) == .deleted {
                #expect(phase == .deleting && trigger == .gone)
            }
        }
        #expect(MachinePhase.Trigger.allCases.allSatisfy { MachinePhase.deleted.after($0) == nil })
    }

    @Test("Every phase on the way has a time limit and an end, and those at rest have none")
    func limits() {
        let limits = PhaseTimeLimits()
        let resting: Set<MachinePhase> = [.active, .shutoff, .hibernated, .error, .deleted]
        for phase in MachinePhase.allCases {
            #expect((limits.limit(of: phase) == nil) == resting.contains(phase))
            if limits.limit(of: phase) != nil, phase != .deleting { #expect(phase.after(.expire) == .error) }
        }
    }

    @Test("A guest with more memory may take longer to start, and no longer to stop")
    func memory() {
        let limits = PhaseTimeLimits()
        for phase: MachinePhase in [.building, .starting, .rebooting, .restoring] {
            let base = limits.limit(of: phase) ?? .zero
            #expect(limits.limit(of: phase, memoryMiB: 2 << 20) == base + .seconds(4096))
            #expect(limits.limit(of: phase, memoryMiB: 512) == base + .seconds(1))
        }
        for phase: MachinePhase in [.creating, .stopping, .hibernating, .deleting] {
            #expect(limits.limit(of: phase, memoryMiB: 2 << 20) == limits.limit(of: phase))
        }
        #expect(limits.limit(of: .active, memoryMiB: 2 << 20) == nil)
    }

    @Test("Every phase can be reached from creating")
    func reachable() {
        var (reached, frontier): (Set<MachinePhase>, [MachinePhase]) = ([.creating], [.creating])
        while let phase = frontier.popLast() {
            for next in MachinePhase.Trigger.allCases.compactMap({ phase.after($0) })
            where reached.insert(next).inserted {
                frontier.append(next)
            }
        }
        #expect(reached == Set(MachinePhase.allCases))
    }

    @Test("Start needs a machine that is shut off, stop and reboot one that runs or failed, hibernation one that runs")
    func asked() {
        let allowed = { (trigger: MachinePhase.Trigger) in
            Set(MachinePhase.allCases.filter { $0.after(trigger) != nil })
        }
        #expect(allowed(.start) == [.shutoff])
        #expect(allowed(.stop) == [.active, .error])
        #expect(allowed(.reboot) == [.active, .error])
        #expect(allowed(.hibernate) == [.active])
        #expect(allowed(.restore) == [.hibernated])
    }

    @Test(
        "A machine at rest that nobody can see is UNKNOWN; one on its way stays there",
        arguments: MachinePhase.allCases
    )
    func unknown(phase: MachinePhase) {
        let seen = MachineSituation(phase: phase, observed: .running, nodeSilent: false)
        let silent = MachineSituation(phase: phase, observed: .running, nodeSilent: true)
        let unclear = MachineSituation(phase: phase, observed: .unknown, nodeSilent: false)
        let resting = [MachinePhase.active, .shutoff, .hibernated, .error].contains(phase)
        #expect(seen.status != .unknown)
        #expect(silent.status == (resting ? .unknown : seen.status))
        #expect(unclear.status == silent.status)
        #expect(silent.powerState == "NO_STATE")
    }

    @Test("A machine that runs is ACTIVE, RUNNING and active, as the vendor's clients check it")
    func running() {
        let situation = MachineSituation(phase: .active, observed: .running, nodeSilent: false)
        #expect(situation.status.rawValue == "ACTIVE")
        #expect(situation.powerState == "RUNNING")
        #expect(situation.vmState == "active")
        let new = MachineSituation(phase: .creating, observed: .absent, nodeSilent: false)
        #expect(new.powerState == nil)
        #expect(new.vmState == nil)
    }
}
