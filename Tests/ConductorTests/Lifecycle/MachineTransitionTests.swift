// SPDX-License-Identifier: Apache-2.0

import Conductor
import GantryModel
import GantryProtocol
import Testing

@Suite("What a report makes of a stored machine")
struct MachineTransitionTests {
    private func machine(
        _ phase: MachinePhase,
        _ desired: WantedPower = .running,
        generation: Int64 = 3,
        floatingIP: Bool = false,
        evicting: Bool = false,
        observed: ObservedPower = .absent,
        fault: Fault? = nil
    ) -> StoredMachine {
        StoredMachine(
            id: VirtualMachineID(1),
            uuid: MachineUUID(),
            name: "one",
            organizationID: OrganizationID(1),
            phase: phase,
            desired: desired,
            generation: Generation(generation),
            bootCounter: 2,
            wantsFloatingIP: floatingIP,
            attachesFloatingIP: floatingIP,
            nodeID: NodeID(9),
            evicting: evicting,
            observed: observed,
            fault: fault
        )
    }

    private func report(
        _ power: ObservedPower,
        applied: Int64 = 3,
        activity: Activity? = nil,
        wired: Bool = false,
        boots: Int = 2,
        guestShutDown: Bool = false,
        fault: Fault? = nil
    ) -> MachineReport {
        MachineReport(
            uuid: MachineUUID(),
            appliedGeneration: Generation(applied),
            power: power,
            activity: activity,
            floatingIPWired: wired,
            bootCounter: boots,
            guestShutDown: guestShutDown,
            fault: fault
        )
    }

    @Test("The first sign of work makes it BUILD, whatever generation it is about")
    func work() {
        let after = machine(.creating).after(report(.absent, applied: 0, activity: Activity(step: "image", percent: 7)))
        #expect(after.machine.phase == .building)
        #expect(after.entersPhase)
        #expect(after.machine.activity?.percent == 7)
        #expect(machine(.creating).after(report(.absent, applied: 0)).machine.phase == .creating)
    }

    @Test("It is ACTIVE only when the guest runs, for the asked boot, with its floating IP wired")
    func ready() {
        #expect(machine(.building).after(report(.running)).machine.phase == .active)
        #expect(machine(.building).after(report(.running, applied: 2)).machine.phase == .building)
        #expect(machine(.rebooting).after(report(.running, boots: 1)).machine.phase == .rebooting)
        #expect(machine(.building, floatingIP: true).after(report(.running)).machine.phase == .building)
        let wired = machine(.building, floatingIP: true).after(report(.running, wired: true))
        #expect(wired.machine.phase == .active)
        #expect(wired.events.map(\.reason) == [.floatingIPAttached, .creationSuccess])
    }

    @Test("A guest that shut itself down is wanted stopped from then on; one that its host stopped is started again")
    func guestShutDown() {
        let byGuest = machine(.active).after(report(.stopped, guestShutDown: true))
        #expect(byGuest.machine.desired == .stopped)
        #expect(byGuest.machine.generation == Generation(4))
        #expect(byGuest.machine.phase == .shutoff)
        #expect(byGuest.tellsNode)
        let late = machine(.active).after(report(.stopped, applied: 2, guestShutDown: true))
        #expect(late.machine.desired == .running)
        #expect(late.machine.phase == .active)
        let byHost = machine(.active).after(report(.stopped))
        #expect(byHost.machine.desired == .running)
        #expect(byHost.machine.phase == .starting)
    }

    @Test("A crash is an ERROR with its reason, and healed when the guest runs again")
    func crash() {
        let crashed = machine(.active, observed: .running).after(report(.crashed))
        #expect(crashed.machine.phase == .error)
        #expect(crashed.machine.fault?.code == .guestCrashed)
        #expect(crashed.machine.desired == .running)
        let healed = crashed.machine.after(report(.running))
        #expect(healed.machine.phase == .active)
        #expect(healed.machine.fault == nil)
        #expect(healed.events.map(\.reason) == [.recovered])
    }

    @Test("Unknown changes neither phase nor what is wanted", arguments: MachinePhase.allCases)
    func unknown(phase: MachinePhase) {
        let after = machine(phase, phase == .deleting ? .absent : .running).after(report(.unknown))
        #expect(after.machine.phase == (phase == .creating ? .building : phase))
        #expect(!after.leavesNode && !after.tellsNode)
        #expect(after.machine.observed == .unknown)
    }

    @Test("Absence frees only where it is wanted, at the newest generation, without a fault")
    func absence() {
        for phase in MachinePhase.allCases where phase != .deleted {
            for wanted in WantedPower.allCases {
                for applied in Int64(1)...5 {
                    let after = machine(phase, wanted).after(report(.absent, applied: applied))
                    #expect(after.leavesNode == (wanted == .absent && applied == 3))
                }
            }
        }
        let stuck = machine(.deleting, .absent).after(report(.absent, fault: Fault(.hostCommandFailed, "busy")))
        #expect(!stuck.leavesNode)
        #expect(stuck.machine.fault?.message == "busy")
    }

    @Test("A node that cannot build it is cleared first, and only then left")
    func eviction() {
        let fault = Fault(.hostDiskFull, "The disk is full.")
        let evicted = machine(.building).after(report(.absent, fault: fault))
        #expect(evicted.machine.evicting)
        #expect(evicted.machine.wantedOnNode == .absent)
        #expect(evicted.machine.generation == Generation(4))
        #expect(evicted.machine.triedNodes == [NodeID(9)])
        #expect(evicted.machine.nodeID == NodeID(9))
        #expect(evicted.tellsNode && !evicted.leavesNode)
        let stale = evicted.machine.after(report(.absent, applied: 3))
        #expect(!stale.leavesNode)
        let clearing = evicted.machine.after(report(.running, applied: 3, activity: Activity(step: "teardown")))
        #expect(clearing.machine.phase == .creating)
        let cleared = evicted.machine.after(report(.absent, applied: 4))
        #expect(cleared.leavesNode)
        #expect(cleared.machine.nodeID == nil)
        #expect(!cleared.machine.evicting)
        #expect(cleared.machine.phase == .creating)
    }

    @Test("A machine that has run is never evicted, since its disk is on that node")
    func noEvictionOfData() {
        for phase in [MachinePhase.active, .starting, .rebooting] {
            let after = machine(phase).after(report(.stopped, fault: Fault(.hostOutOfMemory, "No memory.")))
            #expect(!after.machine.evicting)
            #expect(after.machine.phase == .error)
        }
    }

    @Test("A fault that may pass stays visible and moves nothing; one that nobody mends is an ERROR")
    func faults() {
        let passing = machine(.building).after(report(.absent, fault: Fault(.imageUnreachable, "No answer.")))
        #expect(passing.machine.phase == .building)
        #expect(passing.machine.fault?.code == .imageUnreachable)
        let again = passing.machine.after(report(.absent, fault: Fault(.imageUnreachable, "No answer.")))
        #expect(again.events.isEmpty)
        let lasting = machine(.building).after(report(.absent, fault: Fault(.imageDigestMismatch, "Other bytes.")))
        #expect(lasting.machine.phase == .error)
        #expect(lasting.events.map(\.reason) == [.creationFailed])
        let older = machine(.building).after(report(.absent, applied: 2, fault: Fault(.imageInvalid, "Bad.")))
        #expect(older.machine.phase == .building)
        #expect(older.machine.fault == nil)
    }

    @Test("A node ahead of a restored database is told a newer generation, and nothing else is concluded")
    func restoredDatabase() {
        let after = machine(.deleting, .absent).after(report(.absent, applied: 8))
        #expect(after.machine.generation == Generation(9))
        #expect(after.tellsNode && !after.leavesNode)
        #expect(after.machine.phase == .deleting)
    }

    @Test("A time limit makes an ERROR with a reason and keeps node and intent", arguments: MachinePhase.allCases)
    func timeLimit(phase: MachinePhase) {
        guard let limit = PhaseTimeLimits().limit(of: phase) else { return }
        for silent in [false, true] {
            let before = machine(phase, phase == .deleting ? .absent : .running)
            let after = before.afterTimeLimit(limit, nodeSilent: silent)
            #expect(after.machine.phase == (phase == .deleting ? .deleting : .error))
            #expect(after.stopsClock == (phase == .deleting))
            #expect(after.machine.fault?.code == (silent ? .nodeSilent : .timeLimit))
            #expect(after.machine.nodeID == before.nodeID)
            #expect(after.machine.desired == before.desired)
            #expect(!after.leavesNode)
        }
    }
}
