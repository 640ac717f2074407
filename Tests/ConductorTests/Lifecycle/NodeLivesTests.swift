// SPDX-License-Identifier: Apache-2.0

import Conductor
import GantryModel
import GantryProtocol
import GantryTestSupport
import Postgres
import Testing

@Suite("Whatever operators do to nodes in whatever order, no machine runs twice")
struct NodeLivesTests {
    @Test("Drains, dead nodes, owners and agents that hear badly", arguments: Seeds.lives(6, andNew: 2))
    func lives(_ seed: UInt64) async throws {
        try await Cloud.with { cloud in
            if seed.isMultiple(of: 2) { try await cloud.execute("UPDATE flavor SET stop_policy = 'release'") }
            var life = try await NodeLife(cloud, seed)
            for _ in 1...70 {
                try await life.happen()
                try await life.check()
            }
            try await life.end()
        }
    }
}

/// What a host does that is on, or keeps while it is off.
private struct SwitchedHost {
    let node: SpeakingNode
    var isOn = true
    /// The newest task of each machine.
    var journal: [MachineUUID: MachineTask] = [:]
    var running: Set<MachineUUID> = []

    var name: NodeName { node.identity.name }

    /// The agent takes tasks and does at once what they want.
    mutating func take(_ tasks: [MachineTask]) {
        for task in tasks where task.generation > journal[task.uuid]?.generation ?? Generation(0) {
            journal[task.uuid] = task
        }
        running = Set(journal.values.filter { $0.power == .running }.map(\.uuid))
    }

    mutating func hear() async throws {
        guard isOn, let desired = try await node.desired() else { return }
        take(desired.machines)
    }

    /// The agent tells all, and forgets what it told is gone.
    mutating func speak() async throws {
        guard isOn else { return }
        try await node.report(journal.values.map { $0.done() }, complete: true)
        journal = journal.filter { $0.value.power != .absent }
    }

    mutating func powerOff() {
        (isOn, running) = (false, [])
    }

    /// The agent begins a session before it starts anything, and with what it is not to have.
    mutating func powerOn() async throws {
        let held = journal.values.filter { $0.power != .absent }
            .map { HostedMachine(uuid: $0.uuid, isRunning: false, spec: $0.spec) }
        let session = try await node.openSession(machines: held)
        isOn = true
        take(session.abandoned)
    }
}

/// One random life of a cloud with three nodes.
private struct NodeLife {
    private let cloud: Cloud
    private var random: RepeatableGenerator
    private var hosts: [SwitchedHost] = []
    private var machines: [VirtualMachineRecord] = []

    init(_ cloud: Cloud, _ seed: UInt64) async throws {
        (self.cloud, random) = (cloud, RepeatableGenerator(seed))
        for name in ["one", "two", "three"] {
            hosts.append(SwitchedHost(node: try await SpeakingNode.mounting(name, vcpus: 4, in: cloud)))
        }
    }

    mutating func happen() async throws {
        let index = Int.random(in: 0..<hosts.count, using: &random)
        switch Int.random(in: 0..<16, using: &random) {
        case 0, 1: try await create()
        case 2, 3: try await ask()
        case 4, 5, 6: try await hosts[index].hear()
        case 7, 8, 9: try await hosts[index].speak()
        case 10, 11: await cloud.reconcile()
        case 12:
            let policy = DrainPolicy.allCases.randomElement(using: &random) ?? .move
            try await cloud.drain(hosts[index].node, policy)
        case 13: _ = try await cloud.nodes.uncordon(hosts[index].name)
        case 14: try await fail(index)
        default: if !hosts[index].isOn { try await hosts[index].powerOn() }
        }
    }

    private mutating func create() async throws {
        guard machines.count < 12 else { return }
        let name = "m\(machines.count)"
        do {
            let isMovable = Bool.random(using: &random)
            let machine =
                isMovable ? try await cloud.createMovable(name) : try await cloud.createOne(cloud.request(name))
            machines.append(machine)
        } catch is MachineRefusal {
            return
        }
    }

    private mutating func ask() async throws {
        guard let machine = machines.randomElement(using: &random),
            let operation = MachineOperation.allCases.randomElement(using: &random)
        else { return }
        do {
            try await cloud.perform(operation, machine)
        } catch is MachineRefusal {
            return
        }
    }

    /// The host loses its power; some time after an operator may see that.
    private mutating func fail(_ index: Int) async throws {
        guard hosts[index].isOn else { return }
        hosts[index].powerOff()
        try await cloud.silence(hosts[index].node)
        guard Bool.random(using: &random) else { return }
        try await cloud.declareDead(hosts[index].node)
    }

    func check() async throws {
        let copies = Dictionary(grouping: hosts.flatMap { host in host.running.map { ($0, host.name) } }, by: \.0)
        for (uuid, places) in copies where places.count > 1 {
            Issue.record("\(uuid) runs on \(places.map(\.1))")
        }
        // Where machines may be placed nothing is left of what went elsewhere.
        let left = try await cloud.number(
            """
            SELECT count(*) AS number FROM abandoned_machine a JOIN compute_node n ON n.id = a.node_id WHERE n.schedulable
            """
        )
        #expect(left == 0)
        try await cloud.audit()
    }

    /// All is repaired, and the drains are ended: every machine is as its owner wants it, and nothing else is anywhere.
    mutating func end() async throws {
        for index in hosts.indices {
            if !hosts[index].isOn { try await hosts[index].powerOn() }
            _ = try await cloud.nodes.uncordon(hosts[index].name)
        }
        for _ in 1...6 {
            for index in hosts.indices {
                try await hosts[index].hear()
                try await hosts[index].speak()
            }
            await cloud.reconcile()
            try await check()
        }
        for machine in machines {
            guard let now = try await cloud.now(machine) else { continue }
            let places = hosts.filter { $0.running.contains(now.uuid) }.map(\.name)
            switch now.status {
            case .active: #expect(places == [now.node?.name], "\(now.name)")
            case .shutoff, .hibernated: #expect(places.isEmpty, "\(now.name)")
            default:
                let isUnplaced = now.node == nil && now.fault?.code == .noCapacity
                #expect(isUnplaced && places.isEmpty, "\(now.name) is \(now.status): \(String(describing: now.fault))")
            }
        }
        let known = Set(try await nodesOfAll())
        for host in hosts {
            for uuid in host.journal.keys { #expect(known.contains("\(uuid) \(host.name)")) }
        }
        #expect(try await cloud.number("SELECT count(*) AS number FROM abandoned_machine") == 0)
    }

    private func nodesOfAll() async throws -> [String] {
        try await cloud.database.read { transaction in
            try transaction.query(
                "SELECT vm.uuid || ' ' || n.name AS place FROM virtual_machine vm JOIN compute_node n ON n.id = vm.node_id"
            )
            .map { try $0["place"] }
        }
    }
}
