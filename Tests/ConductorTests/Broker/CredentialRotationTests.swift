// SPDX-License-Identifier: Apache-2.0

import AMQP
import Conductor
import Foundation
import GantryModel
import GantryProtocol
import GantryTestSupport
import HTTPTypes
import Postgres
import Synchronization
import Testing

@Suite("A node's secrets are rotated by its agent when an operator asks, and end at once when they are revoked")
struct CredentialRotationTests {
    /// An agent as the conductor knows it: by what it shows.
    private final class Agent: Sendable {
        let api: TestAPI
        let host: JoiningHost
        let epoch: Int64
        private let sequence = Mutex<Int64>(0)

        var path: String { "/v1/internal/nodes/\(host.node)" }

        /// Makes a node and opens its session.
        init(_ api: TestAPI) async throws {
            (self.api, host) = (api, try await api.joinedHost())
            let request = NodeSessionRequest(
                bootID: "b",
                hostname: host.hostname,
                inventory: NodeInventory(
                    total: Resources(vcpus: 4, memoryMiB: 8192, diskGiB: 100),
                    reserved: Resources(vcpus: 1, memoryMiB: 1024, diskGiB: 10),
                    virtType: "qemu",
                    hypervisorVersion: "7.2.0",
                    agentVersion: "1",
                    gpus: []
                ),
                machines: []
            )
            let key = host.credentials.apiKey
            let answer = try await api.callInternal(
                .post,
                "/v1/internal/nodes/\(host.node)/sessions",
                key: key,
                request
            )
            epoch = try NodeJSON.decoder.decode(NodeSession.self, from: answer.body).epoch
        }

        /// Reports, and returns what the answer asks for; nil for nothing.
        func report(with credentials: NewNodeCredentials) async throws -> Int64? {
            let answer = try await tryReport(with: credentials)
            return try NodeJSON.decoder.decode(ReportReceipt.self, from: answer.body).rotation
        }

        func tryReport(with credentials: NewNodeCredentials) async throws -> APIAnswer {
            let number = sequence.withLock {
                $0 += 1
                return $0
            }
            let report = NodeReport(
                epoch: epoch,
                bootID: "b",
                sequence: number,
                collectedAt: Date(),
                complete: false,
                hypervisorReachable: true,
                machines: [],
                inventory: nil,
                problems: []
            )
            return try await api.callInternal(.post, path + "/reports", key: credentials.apiKey, report)
        }

        func tell(_ next: NewNodeCredentials, _ rotation: Int64, with key: NewNodeCredentials) async throws -> APIAnswer
        {
            let request = NodeCredentialsRequest(rotation: rotation, credentials: next)
            return try await api.callInternal(.put, path + "/credentials", key: key.apiKey, request)
        }

        func rotate() async throws -> NodeBody {
            try await api.operate(.post, "nodes/\(host.node)/rotate-credentials", showing: NodeBody.self)
        }

        func shown() async throws -> String {
            try await api.operate(.get, "nodes/\(host.node)", showing: NodeBody.self).credentials
        }

        func login(_ broker: TemporaryVirtualHost, _ credentials: NewNodeCredentials) -> AMQPConfiguration {
            var login = broker.configuration
            (login.user, login.password) = ("gantry.node.\(host.node)", credentials.brokerPassword)
            return login
        }

        /// Whether the broker lets it consume its queue.
        func isLetIn(_ broker: TemporaryVirtualHost, _ credentials: NewNodeCredentials) async -> Bool {
            let states = AsyncStream.makeStream(of: AMQPConsumer.State.self)
            let consumer = AMQPConsumer(login(broker, credentials), queues: ["gantry.node.\(host.node)"], prefetch: 1)
            let reading = Task { await consumer.run(onState: { states.continuation.yield($0) }) { _ in .acknowledge } }
            let state = await states.stream.first { _ in true }
            reading.cancel()
            await reading.value
            if case .disconnected(let error)? = state { #expect(error.kind == .refused(code: 403), "\(error)") }
            return state == .connected
        }
    }

    /// Lends a node on a real broker, and removes it afterwards.
    private func with(_ body: @escaping @Sendable (Agent, TemporaryVirtualHost) async throws -> Void) async throws {
        try await withTemporaryVirtualHost { broker in
            try await TestAPI.with(broker: broker) { api in
                let agent = try await Agent(api)
                let result: Result<Void, any Error>
                do {
                    result = .success(try await body(agent, broker))
                } catch {
                    result = .failure(error)
                }
                #expect(try await api.operate(.delete, "nodes/\(agent.host.node)").status == .ok)
                try result.get()
            }
        }
    }

    @Test("Answers to reports ask until the new key is first used, which ends the old one; so does its password")
    func rotation() async throws {
        try await with { agent, broker in
            let (old, new) = (agent.host.credentials, NewNodeCredentials.example())
            #expect(try await agent.report(with: old) == nil)
            let asked = try await agent.rotate()
            #expect(asked.credentials == "rotating")
            // However long the agent is away, the old key is good.
            for _ in 0..<2 { #expect(try await agent.report(with: old) == 1) }
            #expect(try await agent.tryReport(with: new).status == .unauthorized)
            // The answer may be lost.
            for _ in 0..<2 { #expect(try await agent.tell(new, 1, with: old).status == .noContent) }
            #expect(try await agent.report(with: old) == 1)
            #expect(try await agent.shown() == "rotating")
            #expect(await agent.isLetIn(broker, new))
            #expect(await !agent.isLetIn(broker, old))

            #expect(try await agent.report(with: new) == nil)
            #expect(try await agent.shown() == "valid")
            #expect(try await agent.tryReport(with: old).status == .unauthorized)
            #expect(try await agent.report(with: new) == nil)
        }
    }

    @Test("A connection that came in with the old password ends, and comes back with the new one")
    func connections() async throws {
        try await with { agent, broker in
            let (old, new) = (agent.host.credentials, NewNodeCredentials.example())
            _ = try await agent.rotate()
            let states = Mutex<[AMQPConsumer.State]>([])
            let login = Mutex(agent.login(broker, old))
            let consumer = AMQPConsumer(
                connectingWith: { login.withLock { $0 } },
                queues: ["gantry.node.\(agent.host.node)"],
                prefetch: 1
            )
            let reading = Task {
                await consumer.run(onState: { state in states.withLock { $0.append(state) } }) { _ in .acknowledge }
            }
            try await eventually("it is let in") { states.withLock { $0 } == [.connected] }
            #expect(try await agent.tell(new, 1, with: old).status == .noContent)
            login.withLock { $0 = agent.login(broker, new) }
            try await eventually("it is back") { states.withLock { $0.count > 2 && $0.last == .connected } }
            reading.cancel()
            await reading.value
        }
    }

    @Test("Asked for twice, the second is done as well, whether the first was used or not")
    func askedTwice() async throws {
        try await with { agent, _ in
            let old = agent.host.credentials
            let (first, second) = (NewNodeCredentials.example(), NewNodeCredentials.example())
            _ = try await agent.rotate()
            #expect(try await agent.tell(first, 1, with: old).status == .noContent)
            _ = try await agent.rotate()
            // The agent had the answer, and uses what it told.
            #expect(try await agent.report(with: first) == 2)
            #expect(try await agent.shown() == "rotating")
            #expect(try await agent.tell(second, 2, with: first).status == .noContent)
            _ = try await agent.rotate()
            // The agent had none, and makes others for the third.
            let third = NewNodeCredentials.example()
            #expect(try await agent.tell(third, 3, with: first).status == .noContent)
            #expect(try await agent.tryReport(with: second).status == .unauthorized)
            #expect(try await agent.report(with: third) == nil)
            #expect(try await agent.shown() == "valid")
        }
    }

    @Test("What nobody asked for is refused and changes nothing; the present ones may be told at any time")
    func unasked() async throws {
        try await with { agent, broker in
            let (old, new) = (agent.host.credentials, NewNodeCredentials.example())
            #expect(try await agent.tell(new, 1, with: old).status == .notFound)
            _ = try await agent.rotate()
            for number in [0, 2] { #expect(try await agent.tell(new, Int64(number), with: old).status == .notFound) }
            let weak = NewNodeCredentials(apiKey: "short", brokerPassword: new.brokerPassword)
            #expect(try await agent.tell(weak, 1, with: old).status == .badRequest)
            #expect(await agent.isLetIn(broker, old))
            // A broker that lost its users has them again.
            try await broker.manage("DELETE", "users/gantry.node.\(agent.host.node)")
            #expect(await !agent.isLetIn(broker, old))
            #expect(try await agent.tell(old, 0, with: old).status == .noContent)
            #expect(await agent.isLetIn(broker, old))
            #expect(try await agent.report(with: old) == 1)
        }
    }

    @Test("Two conductors see the first use of a key at once, and both let the agent in")
    func twoConductors() async throws {
        try await with { agent, _ in
            let new = NewNodeCredentials.example()
            _ = try await agent.rotate()
            #expect(try await agent.tell(new, 1, with: agent.host.credentials).status == .noContent)
            let doors = [agent.api.cloud.database, agent.api.cloud.anotherPool()]
                .map { NodeAuthenticator(database: $0) }
            try await withThrowingTaskGroup { group in
                for door in doors + doors + doors {
                    group.addTask { try await door.authenticate(new.apiKey, as: agent.host.node) }
                }
                for try await node in group { #expect(node.name == agent.host.node) }
            }
            #expect(try await agent.shown() == "valid")
        }
    }

    @Test("While RabbitMQ is away the agent's key holds, and the rotation goes on afterwards")
    func brokerAway() async throws {
        try await withTemporaryVirtualHost { broker in
            try await TestAPI.with { api in
                let node = NodeIdentity(
                    id: NodeID(Int64(try await api.cloud.number("SELECT id AS number FROM compute_node"))),
                    name: try NodeName("one")
                )
                let new = NewNodeCredentials.example()
                #expect(try await api.operate(.post, "nodes/one/rotate-credentials").status == .ok)
                let request = NodeCredentialsRequest(rotation: 1, credentials: new)
                let path = "/v1/internal/nodes/one/credentials"
                #expect(try await api.callInternal(.put, path, key: "one", request).status == .serviceUnavailable)
                let door = NodeAuthenticator(database: api.cloud.database)
                #expect(try await door.authenticate("one", as: node.name) == node)
                let registry = try await TestAPI.registry(api.cloud.database, broker)
                try await registry.take(request, of: node)
                #expect(try await door.authenticate(new.apiKey, as: node.name) == node)
                await #expect(throws: NodeRefusal.self) { try await door.authenticate("one", as: node.name) }
                try await broker.manage("DELETE", "users/gantry.node.one")
            }
        }
    }

    @Test("Revoked, keys and password end at once, and a word of the agent's that is under way does not undo it")
    func revocation() async throws {
        try await with { agent, broker in
            let (old, new) = (agent.host.credentials, NewNodeCredentials.example())
            _ = try await agent.rotate()
            #expect(try await agent.tell(new, 1, with: old).status == .noContent)
            let path = "nodes/\(agent.host.node)"
            // It may be said again.
            for _ in 0..<2 {
                let revoked = try await agent.api.operate(.post, path + "/revoke-credentials", showing: NodeBody.self)
                #expect(revoked.credentials == "revoked")
            }
            for key in [old, new] {
                #expect(try await agent.tryReport(with: key).status == .unauthorized)
                #expect(await !agent.isLetIn(broker, key))
            }
            let refused = try await agent.api.operate(.post, path + "/rotate-credentials")
            #expect(refused.status == .conflict, "\(refused)")
            // The agent was let in before, and is worked for after.
            let registry = try await TestAPI.registry(agent.api.cloud.database, broker)
            let id = try await agent.api.operate(.get, path, showing: NodeBody.self).id
            let request = NodeCredentialsRequest(rotation: 1, credentials: new)
            let late = await #expect(throws: NodeRefusal.self) {
                try await registry.take(request, of: NodeIdentity(id: NodeID(id), name: agent.host.node))
            }
            #expect(late?.reason == .unauthorized)
            #expect(await !agent.isLetIn(broker, new))
        }
    }

    @Test("So it is with a join that is under way; of a node that was removed meanwhile not even a queue is left")
    func revokedWhileJoining() async throws {
        try await withTemporaryVirtualHost { broker in
            try await TestAPI.with(broker: broker) { api in
                for (word, isQueueLeft): (StaticString, Bool) in [
                    ("UPDATE compute_node SET api_key_digest = NULL", true), ("DELETE FROM compute_node", false),
                ] {
                    try await api.cloud.obey(word)
                    let host = try JoiningHost()
                    let answer = try await api.join(host)
                    #expect(
                        answer.status == .unauthorized && answer.description.contains("has to join again"),
                        "\(answer)"
                    )
                    let user = "gantry.node.\(host.node)"
                    await #expect(throws: CommandFailure.self) { try await broker.manage("GET", "users/\(user)") }
                    let queues = try await broker.manage("GET", "queues/\(broker.name)")
                    #expect(queues.contains(user) == isQueueLeft, "\(queues)")
                }
            }
        }
    }

    @Test("A host whose secrets were revoked is its node again by a token for it alone, and no other host is")
    func joinsAgain() async throws {
        try await with { agent, broker in
            let (api, path) = (agent.api, "nodes/\(agent.host.node)")
            var again = agent.host
            again.credentials = .example()
            // While its secrets hold, not even with a token for it.
            let token = try await api.joinToken(hostname: again.hostname)
            #expect(try await api.join(again, token: token).status == .conflict)
            let before = try await api.operate(.post, path + "/revoke-credentials", showing: NodeBody.self)
            #expect(try await api.join(again).status == .conflict)
            var stranger = again
            stranger.hostname = "host-2"
            let strangers = try await api.joinToken(hostname: "host-2")
            #expect(try await api.join(stranger, token: strangers).status == .conflict)
            #expect(try await api.operate(.get, path, showing: NodeBody.self).credentials == "revoked")

            // Its answer may be lost.
            for _ in 0..<2 { #expect(try await api.join(again, token: token).status == .ok) }
            let after = try await api.operate(.get, path, showing: NodeBody.self)
            #expect((after.id, after.credentials, after.hostname) == (before.id, "valid", "host-1"))
            #expect(try await agent.report(with: again.credentials) == nil)
            #expect(await agent.isLetIn(broker, again.credentials))
            #expect(try await agent.tryReport(with: agent.host.credentials).status == .unauthorized)
            // Rotations go on from where they were.
            _ = try await agent.rotate()
            #expect(try await agent.report(with: again.credentials) == 1)
        }
    }
}

extension Cloud {
    /// Has an operator's word follow the next commits that make nodes, before those who made them do anything else.
    fileprivate func obey(_ word: StaticString) async throws {
        try await execute("DROP FUNCTION IF EXISTS obey CASCADE")
        try await execute(
            """
            CREATE FUNCTION obey() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN \(raw: word) WHERE id = NEW.id; RETURN NULL; END $$
            """
        )
        try await execute(
            """
            CREATE CONSTRAINT TRIGGER obey AFTER INSERT ON compute_node DEFERRABLE INITIALLY DEFERRED
            FOR EACH ROW EXECUTE FUNCTION obey()
            """
        )
    }
}
