// SPDX-License-Identifier: Apache-2.0

import Conductor
import GantryModel
import GantryProtocol
import GantryTestSupport
import Testing

/// A conductor's row and an agent between which words and reports get lost, come late or twice.
private struct Conversation {
    var machine: StoredMachine
    /// The agent's side: the last generation it got and did, what then runs, and for which boot.
    private var known = (generation: Generation(0), power: WantedPower.absent, boots: 0)
    private var observed = ObservedPower.absent
    private var shutDownByGuest = false
    /// Why the node cannot build it, until it is cleared or told anew.
    private var fault: Fault?
    /// A report on its way; older ones are dropped by their sequence.
    private var onTheWay: MachineReport?
    private var random: RepeatableGenerator

    init(_ stopPolicy: StopPolicy, _ seed: UInt64) {
        machine = StoredMachine(
            id: VirtualMachineID(1),
            uuid: MachineUUID(),
            name: "one",
            organizationID: OrganizationID(1),
            phase: .creating,
            desired: .running,
            generation: Generation(1),
            bootCounter: 1,
            wantsFloatingIP: false,
            nodeID: NodeID(1),
            stopPolicy: stopPolicy
        )
        random = RepeatableGenerator(seed)
    }

    mutating func step() {
        switch Int.random(in: 0..<11, using: &random) {
        case 0:
            let operation = MachineOperation.allCases.dropFirst().randomElement(using: &random) ?? .stop
            guard var asked = try? machine.asked(operation, nodeSilent: false) else { return }
            if asked.machine.desired == .running { asked.machine.holdsCompute = true }
            apply(asked)
        case 1...3: hear()
        case 4...6: speak()
        case 7: if machine.nodeID != nil, let report = onTheWay { apply(machine.after(report)) }
        case 8: disturb()
        case 9: place()
        default:
            guard PhaseTimeLimits().limit(of: machine.phase) != nil else { return }
            apply(machine.afterTimeLimit(.seconds(60), nodeSilent: Bool.random(using: &random)))
        }
    }

    /// The word arrives, now and whole; older ones would change nothing.
    mutating func hear() {
        guard machine.nodeID != nil, machine.generation > known.generation else { return }
        let boots = machine.bootCounter
        if machine.wantedOnNode == .running, known.boots < boots || observed != .running { shutDownByGuest = false }
        known = (machine.generation, machine.wantedOnNode, boots)
        fault = nil
        switch known.power {
        case .running: observed = .running
        case .stopped, .hibernated: observed = .stopped
        case .absent: observed = .absent
        }
    }

    mutating func speak() {
        onTheWay = MachineReport(
            uuid: machine.uuid,
            appliedGeneration: known.generation,
            power: observed,
            bootCounter: known.boots,
            guestShutDown: shutDownByGuest,
            fault: fault
        )
    }

    /// Gives a machine that left its node another, as the placer does.
    private mutating func place() {
        guard machine.nodeID == nil, machine.phase == .creating else { return }
        machine.nodeID = NodeID(Int64(machine.triedNodes.count + 1))
        machine.generation = machine.generation.next
        // Reports of the node before are not heard any more, since the machine is no longer its own.
        (known, observed, shutDownByGuest, onTheWay) = ((Generation(0), .absent, 0), .absent, false, nil)
    }

    /// The guest ends by itself, the host stops it, or cannot build it.
    private mutating func disturb() {
        if known.power == .running, machine.phase == .building || machine.phase == .creating {
            fault = Fault(Bool.random(using: &random) ? .hostDiskFull : .imageUnreachable, "No.")
            observed = .absent
        }
        guard observed == .running else { return }
        observed = Bool.random(using: &random) ? .stopped : .crashed
        shutDownByGuest = observed == .stopped && Bool.random(using: &random)
    }

    /// The node does what it would do without any word: it starts again what its host stopped.
    mutating func settle() {
        place()
        hear()
        let startsAgain = known.power == .running && !shutDownByGuest && fault?.code != .hostDiskFull
        if startsAgain, observed == .stopped || observed == .absent { (observed, fault) = (.running, nil) }
        speak()
        guard machine.nodeID != nil, let report = onTheWay else { return }
        apply(machine.after(report))
    }

    mutating func apply(_ transition: MachineTransition) {
        #expect(!transition.leavesNode || known.power == .absent)
        let rests = known.power == .hibernated || known.power == .stopped && machine.stopPolicy == .release
        #expect(!transition.releasesCompute || rests && observed != .running)
        #expect(transition.machine.generation >= machine.generation)
        machine = transition.machine
    }
}

@Suite("A machine between a conductor and an agent that hear each other badly")
struct MachineConvergenceTests {
    @Test(
        "Whatever was lost or late, it ends as wanted once both have heard the last word",
        arguments: StopPolicy.allCases,
        1...300 as ClosedRange<UInt64>
    )
    func converges(stopPolicy: StopPolicy, seed: UInt64) throws {
        var talk = Conversation(stopPolicy, seed)
        for _ in 0..<40 { talk.step() }
        for _ in 0..<8 { talk.settle() }
        let expected: Set<MachinePhase> =
            switch talk.machine.desired {
            case .running: [.active, .error]
            case .hibernated: [.hibernated]
            case .stopped, .absent: [.shutoff]
            }
        let released: [MachinePhase] = stopPolicy == .release ? [.hibernated, .shutoff] : [.hibernated]
        #expect(talk.machine.holdsCompute != released.contains(talk.machine.phase))
        #expect(expected.contains(talk.machine.phase))
        // An error that stays is one that only its owner ends: a crash, what a node said after the time was over, or that
        // no place was found within the time.
        let lasting: [Fault.Code] = [.guestCrashed, .hostDiskFull, .noCapacity]
        if talk.machine.phase == .error { #expect(lasting.contains(try #require(talk.machine.fault?.code))) }
        talk.apply(try talk.machine.asked(.delete, nodeSilent: false))
        for _ in 0..<3 { talk.settle() }
        #expect(talk.machine.phase == .deleted)
        #expect(talk.machine.nodeID == nil)
    }
}
