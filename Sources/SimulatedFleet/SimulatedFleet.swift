// SPDX-License-Identifier: Apache-2.0

import AMQP
import Agent
import AsyncHTTPClient
import Conductor
import Foundation
import GantryModel
import GantryProtocol
public import Logging
import Observability
import Postgres
package import SimulatedHost

/// Nodes without hosts, in numbers. Each has its own API key, broker's user, queue, consumer, session and journal, and
/// decides by the agent's own code; what is below ``Host`` is simulated.
public actor SimulatedFleet {
    /// Of each host: ten of them take all machines of a measurement.
    private static let capacity = Resources(vcpus: 256, memoryMiB: 1 << 20, diskGiB: 1 << 14)

    /// Sees the machines of all nodes.
    public nonisolated let watch = MachineWatch()
    /// Sees what all nodes ask of the conductor.
    public nonisolated let requests = RequestLog()

    private let services: FleetServices
    private let region: String
    private let directory: String
    private let nodesPerConnection: Int
    private let gpus: [GPUInventory]
    private let database: Database
    private let broker: AMQPConfiguration
    private let registry: NodeRegistry
    private let publisher: AMQPPublisher
    private let client: HTTPClient
    private let logger: Logger
    private let sharedPool: SimulatedPool?
    /// Those that share a connection to the broker.
    private var groups: [[Node]] = []
    private var agents: [Task<Void, Never>] = []

    /// What a node keeps while its agent comes and goes.
    private struct Node {
        let joined: Joined
        /// Its own connections to the conductor.
        let client: HTTPClient
        let conductor: WatchedConductor
        let secrets: NodeSecrets
        let host: SimulatedHost
        let journal: TaskJournal
    }

    private var nodes: [Node] { Array(groups.joined()) }

    /// Nothing is registered or started yet.
    ///
    /// - Parameters:
    ///   - services: real ones, with the conductor's schema in the database.
    ///   - region: the name of the region that the nodes are of.
    ///   - directory: where the nodes' journals go.
    ///   - nodesPerConnection: how many nodes share a connection to the broker; with 1 each comes as its own user.
    ///   - gpus: how many each node has, of type `H100`.
    ///   - sharesPool: whether all nodes mount one storage pool.
    ///   - logger: for what goes wrong on a node.
    /// - Throws: for a URL that cannot be read.
    public init(
        _ services: FleetServices,
        region: String,
        directory: String,
        nodesPerConnection: Int,
        gpus: Int = 0,
        sharesPool: Bool = false,
        logger: Logger
    ) throws {
        sharedPool = sharesPool ? SimulatedPool() : nil
        (self.services, self.region, self.directory) = (services, region, directory)
        self.gpus = try (0..<gpus).map(GPUInventory.simulated)
        (self.nodesPerConnection, self.logger) = (nodesPerConnection, logger)
        database = Database(try DatabaseConfiguration(url: services.databaseURL, maximumConnections: 2))
        broker = try AMQPConfiguration(url: services.amqpURL)
        publisher = AMQPPublisher(broker)
        client = HTTPClient(eventLoopGroupProvider: .singleton)
        registry = NodeRegistry(
            database: database,
            broker: try BrokerAdministration(
                client: client,
                url: services.managementURL,
                virtualHost: broker.virtualHost
            ),
            publisher: publisher,
            brokerAddress: broker
        )
    }

    /// Registers and starts nodes until there are `count`, and waits until all have a session and have reported.
    public func grow(to count: Int) async throws {
        let id = try await RegionStore(database: database).id(of: region)
        while nodes.count < count {
            var group: [Node] = []
            for index in 0..<min(nodesPerConnection, count - nodes.count) {
                group.append(try node(try await join(nodes.count + index, in: id)))
            }
            groups.append(group)
            try start(group)
        }
        while try await reporting() < count { try await Task.sleep(for: .milliseconds(100)) }
    }

    /// Starts all agents anew, in one moment, as when power comes back.
    public func restart() async throws {
        await end()
        for group in groups { try start(group) }
    }

    /// Ends all nodes. What was registered stays.
    public func stop() async throws {
        await end()
        for node in nodes { try await node.client.shutdown() }
        await publisher.close()
        try await client.shutdown()
    }

    private func end() async {
        for agent in agents { agent.cancel() }
        for agent in agents { await agent.value }
        agents = []
    }

    /// As a host joins, but without HTTP.
    private func join(_ index: Int, in region: RegionID) async throws -> Joined {
        let secret = try await JoinTokenStore(database: database).create(region: region, lifetime: .seconds(60)).secret
        let request = NodeJoinRequest(
            node: try NodeName("sim-\(index)"),
            hostname: NodeAgent.hostname,
            credentials: NewNodeCredentials()
        )
        return Joined(request: request, answer: try await registry.join(request, secret: secret))
    }

    private func reporting() async throws -> Int {
        try await database.read { transaction in
            let rows = try transaction.query("SELECT count(*) AS count FROM node_report WHERE sequence > 0")
            return try rows.first?["count"] ?? 0
        }
    }

    private func node(_ joined: Joined) throws -> Node {
        let name = joined.request.node
        let secrets = try NodeSecrets(
            joined: joined.request.credentials,
            path: "\(directory)/\(name).secrets.json",
            logger: logger
        )
        let client = HTTPClient(eventLoopGroupProvider: .singleton)
        let way = ConductorClient(
            client: client,
            url: services.conductorURL,
            node: name,
            key: { secrets.current.apiKey }
        )
        return Node(
            joined: joined,
            client: client,
            conductor: WatchedConductor(node: name, conductor: way, watch: watch, requests: requests),
            secrets: secrets,
            host: SimulatedHost(total: Self.capacity, gpus: gpus, sharedPool: sharedPool),
            journal: try TaskJournal(directory: "\(directory)/\(name)", logger: logger)
        )
    }

    private func start(_ group: [Node]) throws {
        let shared = nodesPerConnection > 1 ? SharedConsumer(broker, size: group.count) : nil
        for node in group { agents.append(start(node, shared)) }
    }

    private func start(_ node: Node, _ shared: SharedConsumer?) -> Task<Void, Never> {
        var broker = broker
        broker.user = node.joined.answer.brokerUser
        let source: NodeAgent.TaskSource =
            if let shared { .shared(shared.attach) } else { .broker(broker) }
        let agent = NodeAgent(
            name: node.joined.request.node,
            host: WatchedHost(host: node.host, watch: watch),
            journal: node.journal,
            conductor: node.conductor,
            secrets: node.secrets,
            settings: .init(concurrency: 8, orphanPolicy: .report, lookInterval: 30),
            observer: StepObserver(),
            health: Health(),
            logger: logger
        )
        return Task { await run(agent, source) }
    }

    /// Runs an agent, anew where a host's systemd would start it anew.
    private nonisolated func run(_ agent: NodeAgent, _ source: NodeAgent.TaskSource) async {
        while !Task.isCancelled {
            do {
                try await agent.run(consuming: source)
            } catch is CancellationError {
                return
            } catch ConductorError.sessionOver {
                continue
            } catch {
                return logger.error("A node ended", metadata: ["error": "\(error)"])
            }
        }
    }

    // MARK: - The test's hand

    /// A node's host, by the order in which nodes were registered.
    package func host(of index: Int) -> SimulatedHost { nodes[index].host }

    /// Whether a node can reach the conductor. Its guests run on where it cannot.
    package func connect(_ index: Int, _ isConnected: Bool) { nodes[index].conductor.connect(isConnected) }
}

/// A node that has joined.
private struct Joined {
    let request: NodeJoinRequest
    let answer: NodeJoinAnswer
}

extension GPUInventory {
    fileprivate static func simulated(_ index: Int) throws -> GPUInventory {
        let address = try PCIAddress("0000:\(String(format: "%02x", index + 1)):00.0")
        let function = PCIFunction(address: address, pciID: "10de:2330", subsystemID: "10de:16c1", classCode: "0302")
        return GPUInventory(
            address: address,
            model: "GH100 [H100 SXM5 80GB]",
            gpuType: "H100",
            numaNode: index % 2,
            iommuGroup: index,
            functions: [function],
            condition: .ready
        )
    }
}
