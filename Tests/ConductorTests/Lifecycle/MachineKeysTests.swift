// SPDX-License-Identifier: Apache-2.0

import Conductor
import GantryModel
import GantryProtocol
import Postgres
import Testing

@Suite("The keys of a running machine change once its guest has them")
struct MachineKeysTests {
    /// A machine that runs with the key `laptop`, in an environment with the key `phone` too.
    private func withRunning(
        _ body: @Sendable (Cloud, SpeakingNode, VirtualMachineRecord) async throws -> Void
    ) async throws {
        try await Cloud.with { cloud in
            let node = try await SpeakingNode("one", in: cloud)
            let machine = try await cloud.createOne()
            try await node.converge()
            try await cloud.execute(
                """
                INSERT INTO key (environment_id, name, public_key, fingerprint)
                SELECT id, 'phone', E'ssh-ed25519 PHONE me@phone\\n', 'f' FROM environment
                """
            )
            try await body(cloud, node, machine)
        }
    }

    private func change(_ cloud: Cloud, _ machine: VirtualMachineRecord, _ names: String...) async throws {
        try await cloud.lifecycle.changeKeys(to: names, of: machine.id, in: cloud.organization, by: cloud.user)
    }

    @Test("The node is asked for it with the lines to add and to take away; then the machine shows the new ones")
    func success() async throws {
        try await withRunning { cloud, node, machine in
            try await change(cloud, machine, "phone")
            let job = try #require(try await cloud.task(machine).jobs.first)
            guard case .authorizedKeys(let change) = job.work else { return #expect(Bool(false), "\(job)") }
            #expect(change.wanted == [.init(name: "phone", publicKey: "ssh-ed25519 PHONE me@phone")])
            #expect(change.removed == change.former && change.former.count == machine.keyNames.count)
            #expect(try await cloud.now(machine)?.keyNames == machine.keyNames)
            try await MachineJobs(database: cloud.database).finish(job.id, MachineJobOutcome(), by: node.identity.id)
            #expect(try await cloud.now(machine)?.keyNames == ["phone"])
            #expect(try await cloud.task(machine).spec?.authorizedKeys == ["ssh-ed25519 PHONE me@phone"])
            let events = try await cloud.store.events(of: machine.id, in: cloud.organization) ?? []
            #expect(events.last?.reason == "InstanceKeysChangeSuccess")
        }
    }

    @Test("A guest that did not take them leaves the machine with its keys, and its events say why")
    func failure() async throws {
        try await withRunning { cloud, node, machine in
            try await change(cloud, machine, "phone")
            let job = try #require(try await cloud.task(machine).jobs.first)
            let outcome = MachineJobOutcome(fault: Fault(.guestAgentMissing, "No agent answers."))
            try await MachineJobs(database: cloud.database).finish(job.id, outcome, by: node.identity.id)
            #expect(try await cloud.now(machine)?.keyNames == machine.keyNames)
            #expect(try await cloud.now(machine)?.status == .active)
            let events = try await cloud.store.events(of: machine.id, in: cloud.organization) ?? []
            #expect(events.last?.message.hasSuffix("No agent answers.") == true)
            #expect(try await cloud.task(machine).jobs == [])
        }
    }

    @Test("Of two at once one is refused, and so is a key that does not exist and a machine that is not ACTIVE")
    func refusals() async throws {
        try await withRunning { cloud, node, machine in
            await refused(.notFound) { try await change(cloud, machine, "none") }
            try await change(cloud, machine, "phone")
            await refused(.conflict) { try await change(cloud, machine, "laptop") }
            try await cloud.perform(.stop, machine)
            await refused(.conflict) { try await change(cloud, machine, "laptop") }
        }
    }

    private func refused(
        _ reason: MachineRefusal.Reason,
        sourceLocation: SourceLocation = #_sourceLocation,
        _ body: () async throws -> Void
    ) async {
        do {
            try await body()
            Issue.record("nothing was refused", sourceLocation: sourceLocation)
        } catch {
            #expect((error as? MachineRefusal)?.reason == reason, "\(error)", sourceLocation: sourceLocation)
        }
    }
}
