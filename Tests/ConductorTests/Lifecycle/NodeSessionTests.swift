// SPDX-License-Identifier: Apache-2.0

import Conductor
import GantryModel
import GantryProtocol
import Postgres
import Testing

@Suite("What a host says when its agent begins a session")
struct NodeSessionTests {
    @Test("While the database was not restored, no host takes addresses from machines of others, whatever it says")
    func reach() async throws {
        try await Cloud.with(pool: "203.0.113.0/29") { cloud in
            let (one, two) = (try await SpeakingNode("one", in: cloud), try await SpeakingNode("two", in: cloud))
            var request = cloud.request()
            request.assignFloatingIP = true
            let machine = try await cloud.createOne(request)
            for node in [one, two] { try await node.converge() }
            let before = try #require(try await cloud.now(machine))
            let former = try await cloud.createOne(request)
            let spec = try #require(try await cloud.task(former).spec)
            try await cloud.perform(.delete, former)
            for node in [one, two] { try await node.converge() }
            #expect(try await cloud.now(former) == nil)

            let thief = before.node?.id == one.identity.id ? two : one
            let own = try #require(try await cloud.task(machine).spec)
            let strangers = [own, spec].map { HostedMachine(uuid: MachineUUID(), isRunning: true, spec: $0) }
            for epoch in [nil, Int64(77)] {
                try await thief.openSession(machines: strangers, lastEpoch: epoch)
                let orphans = try await OrphanStore(database: cloud.database).orphans(.init(limit: 9))
                #expect(Set(orphans.elements.map(\.uuid)) == Set(strangers.map(\.uuid)))
                let now = try #require(try await cloud.now(machine))
                #expect((now.floatingIP, now.generation) == (before.floatingIP, before.generation))
            }
            let held = try await cloud.number(
                """
                SELECT (SELECT count(*) FROM floating_ip WHERE orphan_id IS NOT NULL)
                    + (SELECT count(*) FROM private_address WHERE orphan_id IS NOT NULL) AS number
                """
            )
            #expect(held == 0)
            try await cloud.audit()
        }
    }

    @Test("An epoch that no conductor ever gave is refused, since none could be above it")
    func epoch() async throws {
        try await Cloud.with { cloud in
            let node = try await SpeakingNode("one", in: cloud)
            let refusal = await #expect(throws: NodeRefusal.self) { try await node.openSession(lastEpoch: .max - 1) }
            #expect(refusal?.reason == .wrongIdentity)
            try await node.report()
        }
    }
}
