// SPDX-License-Identifier: Apache-2.0

import AMQP
import Agent
import AsyncHTTPClient
import Foundation
public import GantryModel
import GantryProtocol
import Logging
import NIOCore
import Observability
import Synchronization

/// Many nodes in one process: real agents that speak the real protocol to a conductor and a broker, on simulated hosts.
///
/// For benchmarks and tests of a conductor. Each node has its own session and its own queue; some share a connection to
/// the broker, which a thread would be needed for each.
public struct SimulatedFleet: Sendable {
    /// One node and its key.
    public struct Node: Sendable {
        public let name: NodeName
        public let key: String

        public init(name: NodeName, key: String) {
            (self.name, self.key) = (name, key)
        }
    }

    private let conductorURL: String
    private let broker: AMQPConfiguration
    private let directory: String
    private let capacity: Resources
    private let nodesPerConnection: Int

    /// - Parameters:
    ///   - conductorURL: Where the agents report.
    ///   - brokerURL: RabbitMQ, as a user that may read every node's queue.
    ///   - directory: For the agents' journals.
    ///   - capacity: What each host says it has.
    ///   - nodesPerConnection: How many nodes share a connection to the broker.
    /// - Throws: When the broker's URL cannot be read.
    public init(
        conductorURL: String,
        brokerURL: String,
        directory: String,
        capacity: Resources = Resources(vcpus: 64, memoryMiB: 1 << 18, diskGiB: 4096),
        nodesPerConnection: Int = 100
    ) throws {
        broker = try AMQPConfiguration(url: brokerURL)
        (self.conductorURL, self.directory, self.capacity) = (conductorURL, directory, capacity)
        self.nodesPerConnection = nodesPerConnection
    }

    /// Runs the nodes until cancelled.
    ///
    /// - Parameters:
    ///   - nodes: All of them.
    ///   - onReady: Called when each has a session and listens to its queue.
    /// - Throws: What ended the first node that ended.
    public func run(_ nodes: [Node], onReady: @escaping @Sendable () -> Void = {}) async throws {
        var configuration = HTTPClient.Configuration()
        configuration.timeout = .init(connect: .seconds(30), read: .seconds(60))
        let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        let result: Result<Void, any Error>
        do {
            result = .success(try await run(nodes, client, onReady))
        } catch {
            result = .failure(error)
        }
        try await client.shutdown()
        try result.get()
    }

    private func run(_ nodes: [Node], _ client: HTTPClient, _ onReady: @escaping @Sendable () -> Void) async throws {
        let missing = Mutex(nodes.count)
        let isUp: @Sendable (Int) -> Void = { count in
            let isLast = missing.withLock { missing in
                missing -= count
                return missing == 0
            }
            if isLast { onReady() }
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for start in stride(from: 0, to: nodes.count, by: nodesPerConnection) {
                let nodes = Array(nodes[start..<min(start + nodesPerConnection, nodes.count)])
                let queues = SharedConnection(broker, nodes: nodes.count) { isUp(nodes.count) }
                for node in nodes {
                    let agent = try agent(node, client)
                    group.addTask { try await agent.run(consuming: .shared(queues.consume)) }
                }
                group.addTask { await queues.run() }
            }
            try await group.waitForAll()
        }
    }

    private func agent(_ node: Node, _ client: HTTPClient) throws -> NodeAgent {
        let logger = Logger(label: "simulated-node") { _ in SwiftLogNoOpLogHandler() }
        return NodeAgent(
            name: node.name,
            host: SimulatedHost(total: capacity),
            journal: try TaskJournal(directory: "\(directory)/\(node.name)", logger: logger),
            conductor: ConductorClient(client: client, url: conductorURL, node: node.name, key: node.key),
            settings: .init(concurrency: 8, orphanPolicy: .report),
            observer: StepObserver(),
            health: Health(),
            logger: logger
        )
    }
}

/// One connection to the broker for the queues of some nodes.
private final class SharedConnection: Sendable {
    private let broker: AMQPConfiguration
    private let expected: Int
    private let onConnected: @Sendable () -> Void
    private let consumers = Mutex<[String: TaskConsumer]>([:])
    private let (complete, announce) = AsyncStream.makeStream(of: [String].self)

    init(_ broker: AMQPConfiguration, nodes: Int, onConnected: @escaping @Sendable () -> Void) {
        (self.broker, expected, self.onConnected) = (broker, nodes, onConnected)
    }

    /// Takes a node's part: its queue is consumed once the queues of all are known.
    @Sendable
    func consume(_ session: NodeSession, _ consumer: TaskConsumer) async {
        let queues = consumers.withLock { consumers in
            consumers[session.queue] = consumer
            return Array(consumers.keys)
        }
        if queues.count == expected { announce.yield(queues) }
        try? await Task.sleep(for: .seconds(1 << 30))
    }

    func run() async {
        for await queues in complete {
            let isFirst = Mutex(true)
            await AMQPConsumer(broker, queues: queues, prefetch: 50)
                .run(
                    onState: { [onConnected] state in
                        guard state == .connected else { return }
                        let isFirst = isFirst.withLock { isFirst in
                            defer { isFirst = false }
                            return isFirst
                        }
                        if isFirst { onConnected() }
                    },
                    handler: { [self] delivery in
                        guard let consumer = consumers.withLock({ $0[delivery.queue] }) else { return .requeue }
                        return await consumer.take(delivery)
                    }
                )
        }
    }
}
