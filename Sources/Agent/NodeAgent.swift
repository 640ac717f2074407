// SPDX-License-Identifier: Apache-2.0

package import AMQP
import Foundation
package import GantryModel
package import GantryProtocol
package import Logging
package import Observability

/// One node's agent above its host: a session with the conductor, then tasks, looks and reports until it ends.
package struct NodeAgent: Sendable {
    /// What an operator sets.
    package struct Settings: Sendable {
        package var concurrency: Int
        package var orphanPolicy: Supervisor.OrphanPolicy
        /// Seconds between looks at every machine; events bring most looks sooner.
        package var lookInterval: Int
        /// Seconds between measurements of what machines use, at most.
        package var metricsInterval: Int
        /// After which a hypervisor that has not answered the first look is ill; systemd waits longer for the start.
        package var silence: Duration

        package init(
            concurrency: Int,
            orphanPolicy: Supervisor.OrphanPolicy,
            lookInterval: Int,
            metricsInterval: Int = 60,
            silence: Duration = .seconds(30)
        ) {
            (self.concurrency, self.orphanPolicy) = (concurrency, orphanPolicy)
            (self.lookInterval, self.metricsInterval, self.silence) = (lookInterval, metricsInterval, silence)
        }
    }

    /// Where tasks come from.
    package enum TaskSource: Sendable {
        /// The node's queue, over a connection of its own, with the node's password.
        case broker(AMQPConfiguration)
        /// A simulation's shared connection.
        case shared(@Sendable (NodeSession, TaskConsumer) async -> Void)
    }

    private let name: NodeName
    private let host: any Host
    private let journal: TaskJournal
    private let conductor: any ConductorConnection
    private let secrets: NodeSecrets
    private let settings: Settings
    private let observer: StepObserver
    private let health: Health
    private let liveness: Liveness
    /// What any turn of a loop may take beyond its interval: time-outs of HTTP and of the host's programs.
    private static let patience = Duration.seconds(300)
    private let logger: Logger

    package init(
        name: NodeName,
        host: any Host,
        journal: TaskJournal,
        conductor: any ConductorConnection,
        secrets: NodeSecrets,
        settings: Settings,
        observer: StepObserver,
        health: Health,
        liveness: Liveness = Liveness(),
        logger: Logger
    ) {
        (self.name, self.host, self.journal, self.secrets) = (name, host, journal, secrets)
        (self.conductor, self.settings, self.observer) = (conductor, settings, observer)
        (self.health, self.liveness, self.logger) = (health, liveness, logger)
    }

    /// Runs until cancelled, or until the conductor ends the session for good.
    package func run(consuming source: TaskSource) async throws {
        let bootID = Self.bootID
        let session = try await openSession(bootID)
        await journal.note(epoch: session.epoch)
        logger.notice("Session begun", metadata: ["epoch": "\(session.epoch)", "queue": "\(session.queue)"])
        let reporter = Reporter(
            conductor: conductor,
            host: host,
            epoch: session.epoch,
            bootID: bootID,
            onRotation: { [secrets] in secrets.want(rotation: $0) },
            health: health,
            logger: logger
        )
        let supervisor = Supervisor(
            MachineWorker.Tools(
                node: name,
                host: host,
                journal: journal,
                reporter: reporter,
                observer: observer,
                slots: AsyncSemaphore(settings.concurrency),
                logger: logger
            ),
            jobs: JobRunner(host: host, journal: journal, conductor: conductor, logger: logger),
            orphanPolicy: settings.orphanPolicy
        )
        do {
            try await supervisor.begin(floatingIPPools: session.floatingIPPools, abandoned: session.abandoned)
            try await work(session, supervisor, reporter, source)
        } catch {
            await supervisor.stop()
            throw error
        }
    }

    private func work(
        _ session: NodeSession,
        _ supervisor: Supervisor,
        _ reporter: Reporter,
        _ source: TaskSource
    ) async throws {
        let consumer = TaskConsumer(node: name, epoch: session.epoch, supervisor: supervisor, logger: logger)
        let pools = FloatingIPPools(session.floatingIPPools)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await reporter.run(interval: session.reportInterval) {
                    liveness.beat("reports", within: .seconds(session.reportInterval) + Self.patience)
                }
            }
            group.addTask { try await follow(session, supervisor, pools) }
            group.addTask {
                for await orphans in reporter.orphanRemovals {
                    for uuid in orphans { await supervisor.remove(orphan: uuid) }
                }
            }
            group.addTask {
                for await change in host.changes {
                    if let uuid = change { await supervisor.look(at: uuid) } else { await look(supervisor) }
                }
            }
            group.addTask {
                while true {
                    liveness.beat("looks", within: .seconds(settings.lookInterval) + Self.patience)
                    try await Task.sleep(for: .seconds(settings.lookInterval))
                    await host.maintain(floatingIPPools: await pools.value)
                    await look(supervisor)
                }
            }
            // Without a heartbeat: no agent is started anew for the sake of a hint.
            group.addTask {
                try await MetricsSender(conductor: conductor, host: host, logger: logger)
                    .run(interval: settings.metricsInterval)
            }
            group.addTask { await secrets.keep(telling: conductor) { await reporter.hurry() } }
            group.addTask { await consume(source, session, consumer) }
            // Each goes on until it is cancelled; the first error ends all.
            while try await group.next() != nil { try Task.checkCancellation() }
        }
    }

    private func look(_ supervisor: Supervisor) async {
        do throws(Fault) {
            try await supervisor.lookAtAll()
            health.report("hypervisor", .well)
        } catch {
            health.report("hypervisor", .ill(error.message))
            logger.notice("The host could not be looked at", metadata: ["error": "\(error)"])
        }
    }

    /// Asks for a session until there is one. A refusal is final: it says what the operator has to do.
    private func openSession(_ bootID: String) async throws -> NodeSession {
        var backoff = Backoff(.seconds(1)...(.seconds(30)))
        while true {
            do {
                let request = try await sessionRequest(bootID)
                health.report("hypervisor", .well)
                let session = try await conductor.openSession(request)
                health.report("conductor", .well)
                return session
            } catch let error as ConductorError {
                guard case .unavailable(let text) = error else { throw error }
                health.report("conductor", .ill(text))
                logger.warning("No session yet", metadata: ["error": "\(error)"])
            } catch let fault as Fault {
                reportUnseen(fault.message)
            }
            try await Task.sleep(for: backoff.next())
        }
    }

    /// What is on the host, for the conductor. A hypervisor may hang where others would fail, and nothing ends that call:
    /// it is waited for and called ill meanwhile.
    private func sessionRequest(_ bootID: String) async throws -> NodeSessionRequest {
        let impatience = Task {
            try await Task.sleep(for: settings.silence)
            reportUnseen("The node's hypervisor, or a GPU, has not answered yet.")
        }
        defer { impatience.cancel() }
        return NodeSessionRequest(
            bootID: bootID,
            hostname: Self.hostname,
            inventory: try await host.inventory(),
            machines: await hostedMachines(try await host.domains()),
            removedMachines: await journal.forgottenMachines,
            lastEpoch: await journal.lastEpoch
        )
    }

    /// Says of both what is so, since the agent has started when both are known, however they are.
    private func reportUnseen(_ reason: String) {
        health.report("hypervisor", .ill(reason))
        health.report("conductor", .ill("It is not asked before the hypervisor has answered."))
    }

    /// Everything of ours on the host: what the journal knows, and domains and files of which it does not.
    private func hostedMachines(_ domains: [ObservedDomain]) async -> [HostedMachine] {
        let entries = await journal.all.filter { !$0.isApplied || $0.task.power != .absent }
        let specs = Dictionary(entries.map { ($0.task.uuid, $0.taskWithSpec.spec) }) { first, _ in first }
        let running = Set(domains.filter { $0.state == .running }.map(\.uuid))
        return Set(specs.keys).union(domains.map(\.uuid)).union(await host.machinesWithFiles())
            .map { HostedMachine(uuid: $0, isRunning: running.contains($0), spec: specs[$0] ?? nil) }
    }

    /// Keeps up with all that is wanted of the node: the queue makes things fast, this makes them certain.
    private func follow(_ session: NodeSession, _ supervisor: Supervisor, _ pools: FloatingIPPools) async throws {
        var revision: Int64?
        var isFirst = true
        while true {
            liveness.beat("desired state", within: .seconds(session.desiredInterval) + Self.patience)
            do {
                if let desired = try await conductor.desired(since: revision) {
                    await pools.set(desired.floatingIPPools)
                    await host.maintain(floatingIPPools: desired.floatingIPPools)
                    try await supervisor.take(desired)
                    revision = desired.revision
                }
                health.report("conductor", .well)
            } catch let error as ConductorError {
                if error.endsSession { throw error }
                health.report("conductor", .ill("\(error)"))
                logger.warning("The desired state could not be read", metadata: ["error": "\(error)"])
            } catch let fault as Fault {
                logger.error("The desired state could not be stored", metadata: ["error": "\(fault)"])
            }
            if isFirst {
                await look(supervisor)
                isFirst = false
            }
            try await Task.sleep(for: .seconds(Double(session.desiredInterval) * Double.random(in: 0.8...1)))
        }
    }

    private func consume(_ source: TaskSource, _ session: NodeSession, _ consumer: TaskConsumer) async {
        switch source {
        case .shared(let attach):
            await attach(session, consumer)
        case .broker(let configuration):
            let login = { @Sendable [secrets] in
                var login = configuration
                login.password = secrets.current.brokerPassword
                return login
            }
            await AMQPConsumer(connectingWith: login, queues: [session.queue], prefetch: 50)
                .run(
                    onState: { state in
                        switch state {
                        case .connected: health.report("broker", .well)
                        case .disconnected(let error):
                            // access-refused (AMQP 0-9-1, section 1.2)
                            if error.kind == .refused(code: 403) { secrets.remindBroker() }
                            health.report("broker", .ill("\(error)"))
                            logger.warning("The broker is away", metadata: ["error": "\(error)"])
                        }
                    },
                    handler: { delivery in
                        await observer.around(.acknowledge) { await consumer.take(delivery) }
                    }
                )
        }
    }

    /// Another one each time that the host is started (kernel, `Documentation/admin-guide/sysctl/kernel.rst`).
    package static var bootID: String { kernel("random/boot_id") }

    /// The kernel's name of this host, by which the conductor knows it.
    package static var hostname: String { kernel("hostname") }

    /// One line of `/proc/sys/kernel`.
    private static func kernel(_ name: String) -> String {
        let text = try? String(contentsOfFile: "/proc/sys/kernel/\(name)", encoding: .utf8)
        return text?.trimmingCharacters(in: .whitespacesAndNewlines) ?? "unknown"
    }
}

/// The pools that the conductor last named.
private actor FloatingIPPools {
    private(set) var value: [Subnet]

    init(_ value: [Subnet]) {
        self.value = value
    }

    func set(_ value: [Subnet]) {
        self.value = value
    }
}
