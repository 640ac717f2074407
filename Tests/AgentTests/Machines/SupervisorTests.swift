// SPDX-License-Identifier: Apache-2.0

import Agent
import GantryModel
import GantryProtocol
import GantryTestSupport
import SimulatedHost
import Testing

@Suite("What is ours and wanted by nobody is found, and dealt with as the operator said")
struct SupervisorTests {
    private let uuid: MachineUUID

    init() throws {
        uuid = try MachineUUID(Example.uuid)
    }

    /// Lends a host on which a machine runs, and an agent that lost its journal.
    private func withOrphan(
        _ policy: Supervisor.OrphanPolicy,
        _ body: (SimulatedNode, String) async throws -> Void
    ) async throws {
        try await withTemporaryDirectory { folder in
            let first = try SimulatedNode(folder: "\(folder)/lost")
            try await first.supervisor.take(try Example.task(spec: Example.spec(floatingIP: "192.0.2.7")))
            try await eventually("it runs") { await first.listener.last(uuid)?.power == .running }
            await first.supervisor.stop()
            let node = try SimulatedNode(folder: folder, host: first.host, orphanPolicy: policy)
            await node.start()
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

    private func state(_ node: SimulatedNode) async -> ObservedDomain.State? {
        await node.host.machines[uuid]?.domain?.state
    }

    @Test("What lives elsewhere is off and without an address when the agent has begun, and gone whatever happens then")
    func abandoned() async throws {
        try await withTemporaryDirectory { folder in
            let first = try SimulatedNode(folder: folder)
            let task = try Example.task(spec: Example.spec(floatingIP: "192.0.2.7"))
            try await first.supervisor.take(task)
            try await eventually("it runs") { await first.listener.last(uuid)?.power == .running }
            await first.supervisor.stop()
            let second = try SimulatedNode(folder: folder, host: first.host)
            try await second.start(abandoned: [try Example.task(.absent, generation: 5)])
            #expect(await state(second) == .off)
            #expect(await second.host.filter.isEmpty)
            #expect(await second.host.floatingIPs.isEmpty)
            await second.supervisor.stop()
            // It died before it had taken it down, and nobody says it again; but what was said before may come late.
            let third = try SimulatedNode(folder: folder, host: first.host)
            await third.start()
            try await third.supervisor.take(hint: task)
            try await third.supervisor.lookAtAll()
            try await eventually("it is gone") { await third.host.holdings == [] }
            try await eventually("it is told") { await third.listener.last(uuid)?.power == .absent }
            #expect(await third.listener.last(uuid)?.appliedGeneration == Generation(5))
            await third.supervisor.stop()
        }
    }

    @Test("A libvirt that goes away keeps the agent from beginning while a copy may run")
    func abandonedUnreachable() async throws {
        try await withTemporaryDirectory { folder in
            let node = try SimulatedNode(folder: folder)
            await node.host.setReachable(false)
            let fault = await #expect(throws: Fault.self) {
                try await node.start(abandoned: [try Example.task(.absent, generation: 5)])
            }
            #expect(fault?.code == .hypervisorUnreachable)
            await node.supervisor.stop()
        }
    }

    @Test("Before all that is wanted is known, nothing is an orphan", arguments: Supervisor.OrphanPolicy.allCases)
    func early(_ policy: Supervisor.OrphanPolicy) async throws {
        try await withOrphan(policy) { node, _ in
            try await node.supervisor.lookAtAll()
            #expect(await state(node) == .running)
            #expect(await node.listener.reports == [])
        }
    }

    @Test("Nor when what is wanted was not all understood")
    func notUnderstood() async throws {
        try await withOrphan(.remove) { node, _ in
            var task = try Example.task()
            task.protocolVersion += 1
            try await node.supervisor.take(DesiredState(revision: 1, machines: [task], floatingIPPools: []))
            try await node.supervisor.lookAtAll()
            #expect(await state(node) == .running)
            #expect(await node.listener.reports == [])
        }
    }

    @Test("Nor what is wanted after all: a lost journal comes back from the conductor")
    func wanted() async throws {
        try await withOrphan(.remove) { node, _ in
            let disk = await node.host.machines[uuid]?.disk
            let task = try Example.task(spec: Example.spec(floatingIP: "192.0.2.7"))
            try await node.supervisor.take(DesiredState(revision: 1, machines: [task], floatingIPPools: []))
            try await node.supervisor.lookAtAll()
            try await eventually("it is told") { await node.listener.last(uuid)?.power == .running }
            #expect(await node.host.machines[uuid]?.disk == disk)
            #expect(await node.listener.reports.allSatisfy { !$0.orphan })
        }
    }

    @Test("And its disk stays, though it cannot be started any more")
    func disk() async throws {
        try await withOrphan(.remove) { node, _ in
            let disk = await node.host.machines[uuid]?.disk
            try await node.host.perform(.destroy, for: Example.task()) { _ in }
            let fault = Fault(.imageMissing, "Gone.")
            await node.host.disturb { step, _ in step == .image ? Disturbance(.fail(fault)) : nil }
            let task = try Example.task(spec: Example.spec(floatingIP: "192.0.2.7"))
            try await node.supervisor.take(DesiredState(revision: 1, machines: [task], floatingIPPools: []))
            try await eventually("it is told") { await node.listener.last(uuid)?.fault == fault }
            #expect(disk != nil)
            #expect(await node.host.machines[uuid]?.disk == disk)
        }
    }

    @Test("An event is enough to find one")
    func event() async throws {
        try await withOrphan(.report) { node, _ in
            await node.supervisor.look(at: uuid)
            #expect(await node.listener.reports == [], "what is wanted is not known yet")
            try await node.supervisor.take(DesiredState.empty)
            await node.supervisor.look(at: uuid)
            #expect(await node.listener.last(uuid)?.orphan == true)
        }
    }

    @Test("Reported only")
    func reported() async throws {
        try await withOrphan(.report) { node, _ in
            try await node.supervisor.take(DesiredState.empty)
            try await node.supervisor.lookAtAll()
            let report = try #require(await node.listener.last(uuid))
            #expect(report.orphan && report.power == .running && report.appliedGeneration == Generation(1))
            #expect(await state(node) == .running)
        }
    }

    @Test(
        "Removed at an operator's word, whatever the policy, whether the journal knows it or not",
        arguments: [true, false]
    )
    func removedByWord(_ isJournaled: Bool) async throws {
        try await withOrphan(.report) { node, _ in
            if isJournaled {
                try await node.supervisor.take(
                    try Example.task(generation: 7, spec: Example.spec(floatingIP: "192.0.2.7"))
                )
                try await eventually("it is as wanted") {
                    await node.listener.last(uuid)?.appliedGeneration == Generation(7)
                }
            }
            for _ in 0..<2 { await node.supervisor.remove(orphan: uuid) }
            try await eventually("nothing is left") { await node.host.holdings == [] }
            try await eventually("it is told") { await node.listener.last(uuid)?.power == .absent }
            try await eventually("it is forgotten") { await node.journal.all.isEmpty }
            #expect(await node.journal.forgottenMachines == [uuid])
        }
    }

    @Test("Stopped, its disk kept")
    func stopped() async throws {
        try await withOrphan(.stop) { node, _ in
            try await node.supervisor.take(DesiredState.empty)
            try await node.supervisor.lookAtAll()
            try await eventually("it is off") { await state(node) == .shutDown }
            try await node.supervisor.lookAtAll()
            #expect(try #require(await node.listener.last(uuid)).power == .stopped)
            #expect(await node.host.machines[uuid]?.disk != nil)
        }
    }

    @Test("Removed with all that is its own, through a kill in the middle", arguments: [nil, ConvergenceStep.undefine])
    func removed(_ killedAt: ConvergenceStep?) async throws {
        try await withOrphan(.remove) { node, folder in
            await node.host.disturb { step, _ in step == killedAt ? Disturbance(.kill, isLate: true) : nil }
            try await node.supervisor.take(DesiredState.empty)
            try await node.supervisor.lookAtAll()
            guard killedAt != nil else {
                return try await eventually("nothing is left") { await node.host.holdings == [] }
            }
            try await eventually("the agent is killed") { await node.host.isAgentDead }
            await node.supervisor.stop()
            await node.host.disturb { _, _ in nil }
            let next = try SimulatedNode(folder: folder, host: node.host, orphanPolicy: .remove)
            await next.start()
            try await next.supervisor.lookAtAll()
            try await eventually("nothing is left") { await node.host.holdings == [] }
            await next.supervisor.stop()
        }
    }

    @Test("Files without a domain are ours too", arguments: Supervisor.OrphanPolicy.allCases)
    func files(_ policy: Supervisor.OrphanPolicy) async throws {
        try await withOrphan(policy) { node, _ in
            for step in [ConvergenceStep.destroy, .undefine] {
                try await node.host.perform(step, for: Example.task(.absent)) { _ in }
            }
            try await node.supervisor.take(DesiredState.empty)
            try await node.supervisor.lookAtAll()
            let reports = await node.listener.reports
            #expect(reports.first { $0.orphan }?.power == .stopped)
            if policy == .remove {
                try await eventually("they go") { await node.host.machinesWithFiles().isEmpty }
            } else {
                #expect(await node.host.machinesWithFiles() == [uuid])
            }
        }
    }
}
