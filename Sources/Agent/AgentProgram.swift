// SPDX-License-Identifier: Apache-2.0

import AMQP
import AsyncHTTPClient
import Foundation
import GantryModel
import GantryProtocol
package import Logging
import NIOCore
package import Observability
import ServiceLifecycle
package import Settings
import UnixSignals

/// The agent, put together from its configuration.
package struct AgentProgram: Sendable {
    private let configuration: AgentConfiguration
    private let reload: SettingsReload<AgentConfiguration>
    private let health: Health
    private let liveness = Liveness()
    private let kernelLog = KernelLog()
    private let metrics: PrometheusMetrics
    private let observer: StepObserver
    private let logger: Logger

    /// - Parameters:
    ///   - reading: the configuration.
    ///   - readAgain: reads it anew, when it is asked to.
    ///   - health: what parts say of themselves.
    ///   - metrics: what is told to Prometheus.
    ///   - observer: told of each step.
    ///   - logger: gets everything.
    package init(
        _ reading: SettingsReload<AgentConfiguration>.Reading,
        readAgain: @escaping @Sendable () throws -> SettingsReload<AgentConfiguration>.Reading,
        health: Health,
        metrics: PrometheusMetrics,
        observer: StepObserver,
        logger: Logger
    ) {
        configuration = reading.configuration
        reload = SettingsReload(
            running: reading.effective,
            read: readAgain,
            take: { configuration in
                LoggingBootstrap.setLevel(configuration.logLevel)
                return ["log.level"]
            },
            logger: logger
        )
        (self.health, self.metrics) = (health, metrics)
        (self.observer, self.logger) = (observer, logger)
    }

    /// Runs until a signal, or until another agent has taken this node's identity.
    package func run() async throws {
        try HostFiles.makeDirectory(configuration.stateDirectory, mode: 0o711)
        let verdict = await VirtTypeProbe.run(configuration.virtType)
        logger.notice(
            "How guests run here",
            metadata: ["virt_type": "\(verdict.virtType.rawValue)", "reason": "\(verdict.reason)"]
        )
        for finding in await findings(verdict.virtType) where finding.severity != .ok {
            logger.warning("Host check", metadata: ["subject": "\(finding.subject)", "finding": "\(finding.text)"])
        }

        let clients = Clients(authorities: configuration.authorities)
        let result: Result<Void, any Error>
        do {
            result = .success(try await run(verdict.virtType, clients))
        } catch {
            result = .failure(error)
        }
        await clients.shutDown()
        try result.get()
    }

    private func findings(_ virtType: VirtType) async -> [HostChecks.Finding] {
        let gpus = GPUChecks(
            policy: configuration.gpus,
            quirks: configuration.quirks,
            uplink: configuration.uplink,
            fabric: configuration.gpuFabric,
            virtType: virtType
        )
        let host = HostChecks.run(
            stateDirectory: configuration.stateDirectory,
            uplink: configuration.uplink,
            hugePages: configuration.hugePages
        )
        // Where GPUs cannot be looked for, each look at the node says so.
        return host + ((try? await gpus.run()) ?? [])
    }

    private func run(_ virtType: VirtType, _ clients: Clients) async throws {
        let directory = configuration.stateDirectory
        for name in ["images", "machines"] { try HostFiles.makeDirectory("\(directory)/\(name)", mode: 0o711) }
        let hypervisor = Hypervisor(uri: configuration.libvirtURI, logger: logger)
        let floatingIPs = FloatingIPs(uplink: configuration.uplink, logger: logger)
        do {
            // The metadata service listens there.
            try await floatingIPs.prepare()
        } catch {
            logger.error("The metadata service has no address", metadata: ["error": "\(error)"])
        }
        let secrets = try NodeSecrets(
            joined: NewNodeCredentials(
                apiKey: configuration.nodeKey,
                brokerPassword: configuration.broker.password
            ),
            path: "\(directory)/secrets.json",
            logger: logger
        )
        let key = { @Sendable in secrets.current.apiKey }
        let network = HostNetwork(hypervisor: hypervisor, floatingIPs: floatingIPs, logger: logger)
        let store = ImageStoreClient(
            client: clients.conductor,
            url: configuration.conductorURL,
            node: configuration.nodeName,
            key: key
        )
        // What an agent left that died while it took a snapshot.
        try HostFiles.remove("\(directory)/snapshots")
        let host = LinuxHost(
            hypervisor: hypervisor,
            network: network,
            consoles: Consoles(
                hypervisor: hypervisor,
                client: clients.consoles,
                conductorURL: configuration.conductorURL,
                node: configuration.nodeName,
                key: key,
                logger: logger
            ),
            images: ImageCache(
                directory: "\(directory)/images",
                download: ImageDownload(client: clients.downloads, store: store),
                logger: logger
            ),
            pools: StoragePools(storagePools, logger: logger),
            gpus: gpus(virtType),
            store: store,
            machinesDirectory: "\(directory)/machines",
            snapshotsDirectory: "\(directory)/snapshots",
            virtType: virtType,
            reserved: configuration.reserved,
            quirks: configuration.quirks,
            hugePages: configuration.hugePages,
            logger: logger
        )
        let journal = try TaskJournal(directory: "\(directory)/journal", logger: logger)
        let conductor = ConductorClient(
            client: clients.conductor,
            url: configuration.conductorURL,
            node: configuration.nodeName,
            key: key
        )
        let node = NodeAgent(
            name: configuration.nodeName,
            host: host,
            journal: journal,
            conductor: conductor,
            secrets: secrets,
            settings: .init(
                concurrency: configuration.concurrency,
                orphanPolicy: configuration.orphanPolicy,
                lookInterval: configuration.lookInterval,
                metricsInterval: configuration.metricsInterval
            ),
            observer: observer,
            health: health,
            liveness: liveness,
            logger: logger
        )
        let metadata = MetadataService(logger: logger) { address in
            guard let member = await network.member(at: address) else { return nil }
            return await journal.entry(member.uuid)?.task
        }
        try await serve(node, metadata, configuration.broker)
    }

    private func gpus(_ virtType: VirtType) -> GPUKeeper {
        GPUKeeper(
            scan: GPUScan(policy: configuration.gpus, uplink: configuration.uplink, virtType: virtType),
            kernelLog: kernelLog,
            ledger: GPULedger(path: configuration.stateDirectory + "/gpus.json"),
            hook: configuration.gpuCleaningHook.map {
                CleaningHook(program: $0, deadline: .seconds(configuration.gpuCleaningSeconds))
            },
            returnsDrivers: configuration.returnsGPUDrivers || configuration.gpuFabric != nil,
            fabric: configuration.gpuFabric,
            logger: logger
        )
    }

    private var storagePools: [any StoragePool] {
        let local = configuration.localPool.map {
            LocalPool(name: $0, directory: "\(configuration.stateDirectory)/volumes")
        }
        return configuration.sharedPools + (local.map { [$0] } ?? [])
    }

    private func serve(_ node: NodeAgent, _ metadata: MetadataService, _ broker: AMQPConfiguration) async throws {
        let guests = MetadataServer(
            service: metadata,
            address: "\(FloatingIPs.metadataAddress)",
            port: FloatingIPs.metadataPort,
            health: health,
            logger: logger
        )
        let status = StatusServer(
            name: "gantry-agent",
            address: configuration.statusAddress,
            port: configuration.statusPort,
            probes: ProbeRoutes(
                parts: ["broker", "conductor", "hypervisor", StorageWatch.part],
                health: health,
                liveness: liveness,
                tellsReasons: true
            ),
            metrics: metrics,
            logger: logger.quieted
        )
        let manager = ServiceManager(
            environment: ProcessInfo.processInfo.environment,
            parts: ["conductor", "hypervisor"],
            health: health,
            liveness: liveness,
            logger: logger
        )
        let programs: [(any Service)?] = [
            manager, status, reload, guests, KernelLogService(kernelLog: kernelLog, logger: logger),
            StorageWatch(directory: configuration.stateDirectory, health: health, logger: logger),
            NodeService(node: node, broker: broker, kernelLog: kernelLog),
        ]
        let services = programs.compactMap { $0 }
        var settings = ServiceGroupConfiguration(
            services: services.map { .init(service: $0, successTerminationBehavior: .gracefullyShutdownGroup) },
            gracefulShutdownSignals: [.sigterm, .sigint],
            logger: logger.quieted
        )
        settings.maximumGracefulShutdownDuration = .seconds(30)
        let group = ServiceGroup(configuration: settings)
        try await group.run()
    }
}

/// Keeps an ear on the kernel. Without it GPUs are judged by what they themselves say.
private struct KernelLogService: Service, CustomStringConvertible {
    var description: String { "kernel log" }

    let kernelLog: KernelLog
    let logger: Logger

    func run() async throws {
        await cancelWhenGracefulShutdown {
            do {
                try await kernelLog.follow()
            } catch {
                logger.warning("GPUs' errors in the kernel's log are not seen", metadata: ["error": "\(error)"])
            }
            try? await gracefulShutdown()
        }
    }
}

/// The node's work as a service: a signal ends it, guests go on.
private struct NodeService: Service, CustomStringConvertible {
    /// What the service group logs; its own would spell out the node's key.
    var description: String { "node" }

    let node: NodeAgent
    let broker: AMQPConfiguration
    let kernelLog: KernelLog

    func run() async throws {
        do {
            try await cancelWhenGracefulShutdown {
                // So that no GPU that the kernel spoke against is told well at first.
                await kernelLog.caughtUp()
                try await node.run(consuming: .broker(broker))
            }
        } catch is CancellationError {
            // Asked to end, it ended.
        }
    }
}

/// The agent's HTTP clients. Those to the conductor trust the cloud's own authorities alone, where there are some.
private struct Clients {
    let conductor: HTTPClient
    let consoles: HTTPClient
    /// To wherever images are.
    let downloads: HTTPClient

    init(authorities: CertificateAuthorities?) {
        var usual = HTTPClient.Configuration()
        usual.timeout = .init(connect: .seconds(5), read: .seconds(60))
        usual.redirectConfiguration = .follow(max: 5, allowCycles: false)
        downloads = HTTPClient(eventLoopGroupProvider: .singleton, configuration: usual)
        usual.tlsConfiguration = authorities?.clientConfiguration
        conductor = HTTPClient(eventLoopGroupProvider: .singleton, configuration: usual)
        // A display may be silent for hours.
        usual.timeout.read = nil
        consoles = HTTPClient(eventLoopGroupProvider: .singleton, configuration: usual)
    }

    func shutDown() async {
        for client in [consoles, downloads, conductor] { try? await client.shutdown() }
    }
}
