// SPDX-License-Identifier: Apache-2.0

import AMQP
import AsyncHTTPClient
import Foundation
import Hummingbird
import HummingbirdCore
import HummingbirdTLS
package import Logging
package import Observability
import Postgres
import ServiceLifecycle
package import Settings
import UnixSignals

/// The conductor, put together from its configuration.
package struct ConductorProgram: Sendable {
    private let configuration: ConductorConfiguration
    private let settings: ReloadableSettings
    private let reload: SettingsReload<ConductorConfiguration>
    private let health: Health
    private let liveness = Liveness()
    private let metrics: PrometheusMetrics
    private let logger: Logger

    /// - Parameters:
    ///   - reading: the configuration.
    ///   - readAgain: reads it anew, when it is asked to.
    ///   - health: what parts say of themselves.
    ///   - metrics: what is told to Prometheus.
    ///   - logger: gets everything.
    package init(
        _ reading: SettingsReload<ConductorConfiguration>.Reading,
        readAgain: @escaping @Sendable () throws -> SettingsReload<ConductorConfiguration>.Reading,
        health: Health,
        metrics: PrometheusMetrics,
        logger: Logger
    ) {
        configuration = reading.configuration
        let settings = ReloadableSettings(configuration)
        self.settings = settings
        reload = SettingsReload(
            running: reading.effective,
            read: readAgain,
            take: { settings.take($0) },
            logger: logger
        )
        (self.health, self.metrics, self.logger) = (health, metrics, logger)
    }

    /// Runs until a signal.
    package func run() async throws {
        let parts = try ConductorParts(configuration)
        do {
            try await DatabaseStart(database: parts.database, manager: manager, logger: logger).run()
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
                probes: probes(tellsReasons: true),
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
            reload,
            // The last one, so that it is the first to end.
            try application(parts, outbox),
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

    private func probes(tellsReasons: Bool) -> ProbeRoutes {
        ProbeRoutes(
            parts: ["api", DatabaseWatch.database, DatabaseWatch.outbox, OutboxRelay.part],
            health: health,
            liveness: liveness,
            tellsReasons: tellsReasons
        )
    }

    private var imageFiles: ImageFiles? {
        configuration.imageStoreDirectory.map { ImageFiles(directory: $0) }
    }

    private var manager: ServiceManager? {
        ServiceManager(
            environment: ProcessInfo.processInfo.environment,
            parts: ["api", DatabaseWatch.database],
            health: health,
            liveness: liveness,
            logger: logger
        )
    }

    private func application(_ parts: ConductorParts, _ outbox: OutboxSignal) throws -> some Service {
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
                registry: parts.registry,
                images: imageFiles.map { NodeImages(files: $0, database: database) },
                logger: logger
            ),
            registry: parts.registry,
            callbacks: configuration.callbacks,
            consoles: configuration.consoles,
            authorities: configuration.authorities?.content,
            limiter: settings.limiter,
            // Tenants may know which part is ill, and need not know where it is.
            probes: probes(tellsReasons: false),
            logger: logger
        )
        return Application(
            router: api.router,
            server: try server(relay),
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

    private func server(_ consoles: ConsoleRelay) throws -> HTTPServerBuilder {
        guard let tls = settings.serverTLS else { return .http1(consoles: consoles) }
        return try .tls(.http1(consoles: consoles, isSecure: true), tlsConfiguration: tls)
    }
}
