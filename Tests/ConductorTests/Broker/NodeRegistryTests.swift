// SPDX-License-Identifier: Apache-2.0

import AMQP
import AsyncHTTPClient
import Conductor
import Foundation
import GantryModel
import GantryProtocol
import GantryTestSupport
import Logging
import Postgres
import Testing

@Suite("Making and removing nodes, on a real broker")
struct NodeRegistryTests {
    private func with(
        _ body: (Cloud, NodeRegistry, TemporaryVirtualHost) async throws -> Void
    ) async throws {
        let managementURL = try await TestServices.shared.managementURL
        try await Cloud.with { cloud in
            try await withTemporaryVirtualHost { host in
                let client = HTTPClient()
                do {
                    let registry = NodeRegistry(
                        database: cloud.database,
                        broker: try BrokerAdministration(client: client, url: managementURL, virtualHost: host.name),
                        publisher: AMQPPublisher(host.configuration),
                        brokerAddress: host.configuration
                    )
                    try await body(cloud, registry, host)
                } catch {
                    try await client.shutdown()
                    throw error
                }
                try await client.shutdown()
            }
        }
    }

    /// Makes a node, and returns the secrets of its host.
    @discardableResult
    private func join(_ node: NodeName, _ cloud: Cloud, _ registry: NodeRegistry) async throws -> NewNodeCredentials {
        var host = try JoiningHost()
        host.node = node
        let tokens = JoinTokenStore(database: cloud.database)
        let secret = try await tokens.create(region: cloud.region, lifetime: .seconds(60)).secret
        _ = try await registry.join(host.request, secret: secret)
        return host.credentials
    }

    /// A name that no other test uses: users are the broker's, not the virtual host's.
    private func name() throws -> NodeName { try NodeName("n\(UInt32.random(in: 0...UInt32.max))") }

    @Test("A node's user reads its own queue, and can do nothing else")
    func permissions() async throws {
        try await with { cloud, registry, host in
            let (own, other) = (try name(), try name())
            let credentials = try await join(own, cloud, registry)
            try await join(other, cloud, registry)
            var login = host.configuration
            (login.user, login.password) = ("gantry.node.\(own)", credentials.brokerPassword)
            let broker = login
            _ = try await AMQPPublisher(host.configuration)
                .publish([
                    AMQPMessage(exchange: "gantry.tasks", routingKey: own.description, id: "1", body: Data("{}".utf8))
                ])
            let arrived = AsyncStream.makeStream(of: String.self)
            let reading = Task {
                await AMQPConsumer(broker, queues: ["gantry.node.\(own)"], prefetch: 1)
                    .run { delivery in
                        arrived.continuation.yield(delivery.messageID)
                        return .acknowledge
                    }
            }
            #expect(await arrived.stream.first { _ in true } == "1")
            reading.cancel()
            let refused = AsyncStream.makeStream(of: AMQPError.self)
            let prying = Task {
                await AMQPConsumer(broker, queues: ["gantry.node.\(other)"], prefetch: 1)
                    .run(onState: { state in
                        if case .disconnected(let error) = state { refused.continuation.yield(error) }
                    }) { _ in .acknowledge }
            }
            #expect(await refused.stream.first { _ in true }?.kind == .refused(code: 403))
            prying.cancel()
            let writer = AMQPPublisher(broker)
            await #expect(throws: AMQPError.self) {
                try await writer.publish([
                    AMQPMessage(exchange: "gantry.tasks", routingKey: own.description, id: "2", body: Data())
                ])
            }
            await #expect(throws: AMQPError.self) { try await writer.declareQueue("mine", arguments: [:]) }
            await writer.close()
            for node in [own, other] { try await registry.remove(node) }
        }
    }

    @Test("The API key lets in its own node only")
    func keys() async throws {
        try await with { cloud, registry, _ in
            let (own, other) = (try name(), try name())
            let first = try await join(own, cloud, registry)
            try await join(other, cloud, registry)
            let door = NodeAuthenticator(database: cloud.database)
            #expect(try await door.authenticate(first.apiKey, as: own).name == own)
            await #expect(throws: NodeRefusal.self) { try await door.authenticate(first.apiKey, as: other) }
            await #expect(throws: NodeRefusal.self) { try await door.authenticate("", as: own) }
            for node in [own, other] { try await registry.remove(node) }
        }
    }

    @Test("A name is given once, and a node with machines is not removed")
    func conflicts() async throws {
        try await with { cloud, registry, _ in
            let node = try name()
            try await join(node, cloud, registry)
            let taken = await #expect(throws: NodeRefusal.self) { try await join(node, cloud, registry) }
            #expect(taken?.reason == .conflict)
            try await cloud.execute(
                "UPDATE compute_node SET state = 'up', vcpus = 1, memory_mib = 4096, disk_gib = 100"
            )
            let machine = try await cloud.createOne()
            let busy = await #expect(throws: NodeRefusal.self) { try await registry.remove(node) }
            #expect(busy?.reason == .conflict)
            try await cloud.execute("UPDATE virtual_machine SET node_id = NULL")
            try await registry.remove(node)
            let gone = await #expect(throws: NodeRefusal.self) { try await registry.remove(node) }
            #expect(gone?.reason == .notFound)
            #expect(try await cloud.now(machine) != nil)
        }
    }

    @Test("Operators cordon nodes and change their ratios")
    func operations() async throws {
        try await Cloud.with { cloud in
            try await cloud.addNode("one", Resources(vcpus: 2, memoryMiB: 8192, diskGiB: 100))
            let store = NodeStore(database: cloud.database)
            let one = try NodeName("one")
            #expect(try await store.cordon(one, reason: "new disk").schedulable == false)
            let refusal = await #expect(throws: MachineRefusal.self) { try await cloud.createOne() }
            #expect(refusal?.message.contains("cordoned: 1") == true)
            _ = try await store.uncordon(one)
            _ = try await cloud.lifecycle.create(cloud.request(count: 2))
            #expect(try await store.setRatios(try OvercommitRatios(vcpu: 2), of: one).limit.vcpus == 4)
            _ = try await cloud.lifecycle.create(cloud.request(count: 2))
            let shrunk = try await store.setRatios(try OvercommitRatios(), of: one)
            #expect(shrunk.shrunk && !shrunk.schedulable)
            #expect(shrunk.machineCount == 4)
            #expect(try await store.nodes().count == 1)
            await #expect(throws: NodeRefusal.self) { try await store.uncordon(try NodeName("two")) }
        }
    }
}
