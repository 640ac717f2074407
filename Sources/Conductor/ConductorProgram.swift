// SPDX-License-Identifier: Apache-2.0

import AMQP
import AsyncHTTPClient
import Foundation
import Hummingbird
package import Logging
package import Observability
import Postgres
import ServiceLifecycle
import UnixSignals

/// The conductor, put together from its configuration.
package struct ConductorProgram: Sendable {
    private let configuration: ConductorConfiguration
    private let health: Health
    private let liveness = Liveness()
    private let metrics: PrometheusMetrics
    private let logger: Logger

    package init(
        _ configuration: ConductorConfiguration,
        health: Health,
        metrics: PrometheusMetrics,
        logger: Logger
    ) {
        (self.configuration, self.health) = (configuration, health)
        (self.metrics, self.logger) = (metrics, logger)
    }

    /// Runs until a signal.
    package func run() async throws {
        let parts = try ConductorParts(configuration)
        do {
            try await DatabaseStart(database: parts.database, logger: logger).run()
            try await serve(parts)
        } catch {
            try? await parts.shutDown()
            throw error
        }
        try await parts.shutDown()
    }

    private func serve(_ parts: ConductorParts) async throws {
        let outbox = OutboxSignal()
        var services: [any Service] = [
            StatusServer(
                name: "gantry-conductor",
                address: configuration.statusAddress,
                port: configuration.statusPort,
                health: health,
                metrics: metrics,
                logger: logger.quieted
            ),
            DatabaseWatch(database: parts.database, health: health, logger: logger),
            OutboxRelay(
                database: parts.database,
                publisher: AMQPPublisher(parts.broker),
                outbox: outbox,
                health: health,
                logger: logger,
                liveness: liveness
            ),
            DeadLetterConsumer(database: parts.database, broker: parts.broker, logger: logger),
            CallbackDeliverer(
                database: parts.database,
                client: CallbackClient(policy: configuration.callbacks),
                logger: logger
            ),
            Reconciler(
                database: parts.database,
                intervals: configuration.intervals,
                outbox: outbox,
                images: imageFiles,
                logger: logger,
                liveness: liveness
            ),
            CloudMeasures(database: parts.database, broker: parts.administration, logger: logger),
            // The last one, so that it is the first to end.
            application(parts, outbox),
        ]
        if let manager { services.insert(manager, at: 0) }
        var settings = ServiceGroupConfiguration(
            services: services.map { .init(service: $0, successTerminationBehavior: .gracefullyShutdownGroup) },
            gracefulShutdownSignals: [.sigterm, .sigint],
            logger: logger.quieted
        )
        settings.maximumGracefulShutdownDuration = .seconds(30)
        try await ServiceGroup(configuration: settings).run()
    }

    private var imageFiles: ImageFiles? {
        configuration.imageStoreDirectory.map { ImageFiles(directory: $0) }
    }

    private var manager: ServiceManager? {
        ServiceManager(
            environment: ProcessInfo.processInfo.environment,
            parts: ["api", "postgresql"],
            health: health,
            liveness: liveness,
            logger: logger
        )
    }

    private func application(_ parts: ConductorParts, _ outbox: OutboxSignal) -> some Service {
        let database = parts.database
        let lifecycle = MachineLifecycle(database: database, outbox: outbox)
        let relay = ConsoleRelay(
            store: ConsoleStore(database: database),
            lifecycle: lifecycle,
            ownURL: configuration.consoles.ownURL
        )
        let api = ConductorAPI(
            database: database,
            keys: APIKeyStore(database: database, acceptsTestKeys: configuration.isLoopbackOnly),
            lifecycle: lifecycle,
            nodes: NodeRoutes(
                authenticator: NodeAuthenticator(database: database),
                sessions: NodeSessions(database: database, intervals: configuration.intervals, logger: logger),
                reports: NodeReports(database: database, outbox: outbox, logger: logger),
                metrics: MachineMetricStore(database: database),
                jobs: MachineJobs(database: database),
                consoles: relay,
                images: imageFiles.map { NodeImages(files: $0, database: database) }
            ),
            registry: parts.registry,
            callbacks: configuration.callbacks,
            consoles: configuration.consoles,
            rateLimit: configuration.rateLimit,
            health: health,
            logger: logger
        )
        return Application(
            router: api.router,
            server: .http1(consoles: relay),
            configuration: .init(
                address: .hostname(configuration.listenAddress, port: configuration.listenPort),
                serverName: "gantry-conductor"
            ),
            onServerRunning: { channel in
                health.report("api", .well)
                logger.notice("Listening", metadata: ["address": "\(channel.localAddress?.description ?? "?")"])
            },
            logger: logger.quieted
        )
    }
}
