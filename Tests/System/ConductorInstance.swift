// SPDX-License-Identifier: Apache-2.0

import AMQP
import AsyncHTTPClient
import Conductor
import GantryModel
import Hummingbird
import Logging
import Observability
import Postgres

/// One conductor of a test's cloud, on a database and broker that it may share with others.
struct ConductorInstance: Sendable {
    let database: Database
    let lifecycle: MachineLifecycle
    let store: VirtualMachineStore
    let nodes: NodeRegistry
    /// Where agents reach it, on loopback.
    let port: Int

    var url: String { "http://127.0.0.1:\(port)" }

    /// Runs a conductor for as long as `body` takes.
    static func with<Value: Sendable>(
        _ configuration: DatabaseConfiguration,
        broker: AMQPConfiguration,
        managementURL: String,
        _ body: @Sendable (ConductorInstance) async throws -> Value
    ) async throws -> Value {
        let database = Database(configuration)
        try await Schema.migrate(database)
        let logger = Logger(label: "conductor") { _ in SwiftLogNoOpLogHandler() }
        let outbox = OutboxSignal()
        let publisher = AMQPPublisher(broker)
        let client = HTTPClient(eventLoopGroupProvider: .singleton)
        let registry = NodeRegistry(
            database: database,
            broker: try BrokerAdministration(client: client, url: managementURL, virtualHost: broker.virtualHost),
            publisher: publisher,
            brokerAddress: broker
        )
        var intervals = NodeIntervals()
        (intervals.report, intervals.desired) = (1, 2)
        let (ready, announce) = AsyncStream.makeStream(of: Int.self)
        let router = Router()
        NodeRoutes(
            authenticator: NodeAuthenticator(database: database),
            sessions: NodeSessions(database: database, intervals: intervals, logger: logger),
            reports: NodeReports(database: database, outbox: outbox, logger: logger)
        )
        .add(to: router)
        let application = Application(
            router: router,
            configuration: .init(address: .hostname("127.0.0.1", port: 0)),
            onServerRunning: { announce.yield($0.localAddress?.port ?? 0) },
            logger: logger
        )
        let relay = OutboxRelay(
            database: database,
            publisher: publisher,
            outbox: outbox,
            health: Health(),
            logger: logger
        )
        let reconciler = Reconciler(database: database, intervals: intervals, outbox: outbox, logger: logger)
        let work = Task {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await application.run() }
                group.addTask { try await relay.run() }
                group.addTask { try await reconciler.run() }
                try await group.next()
                group.cancelAll()
            }
        }
        var ports = ready.makeAsyncIterator()
        let instance = ConductorInstance(
            database: database,
            lifecycle: MachineLifecycle(database: database, outbox: outbox),
            store: VirtualMachineStore(database: database),
            nodes: registry,
            port: await ports.next() ?? 0
        )
        let result: Result<Value, any Error>
        do {
            result = .success(try await body(instance))
        } catch {
            result = .failure(error)
        }
        work.cancel()
        _ = await work.result
        try await client.shutdown()
        return try result.get()
    }
}
