// SPDX-License-Identifier: Apache-2.0

package import Logging
import Metrics
package import Observability
package import Postgres
import ServiceLifecycle

/// Looks after what no request and no report moves: time limits, silent nodes, words that were lost, machines that wait
/// for a place, and old rows. Any number of reconcilers may run on one database; they skip what another one has.
package struct Reconciler: Service {
    private let duties: ReconcilerDuties
    private let logger: Logger
    private let interval: Duration
    private let liveness: Liveness
    /// Longer than all duties take together when the database does not answer.
    private static let patience = Duration.seconds(300)

    package init(
        database: Database,
        limits: PhaseTimeLimits = PhaseTimeLimits(),
        intervals: NodeIntervals = NodeIntervals(),
        retention: Retention = Retention(),
        outbox: OutboxSignal,
        images: ImageFiles? = nil,
        logger: Logger,
        interval: Duration = .seconds(5),
        liveness: Liveness = Liveness()
    ) {
        duties = ReconcilerDuties(
            database: database,
            limits: limits,
            intervals: intervals,
            retention: retention,
            unplaced: UnplacedMachines(
                database: database,
                placer: MachinePlacer(database: database, limits: limits, outbox: outbox)
            ),
            mover: FloatingIPMover(database: database, limits: limits, outbox: outbox),
            drain: NodeDrain(database: database, limits: limits, outbox: outbox),
            outbox: outbox,
            images: images
        )
        self.logger = logger
        self.interval = interval
        self.liveness = liveness
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                liveness.beat("reconciler", within: Self.patience)
                await round()
                // Replicas that started together drift apart.
                try? await Task.sleep(for: interval * Double.random(in: 0.8...1.2))
            }
        }
    }

    /// Does every duty once. One that fails is tried again in the next round and keeps no other from its turn.
    package func round() async {
        // First: what the others do would be by a past that the hosts have left behind.
        await attempt("place of the database") { try await Restoration.beginIfMoved(duties.database, logger: logger) }
        await attempt("silent nodes") {
            let count = try await duties.markSilentNodes()
            if count > 0 {
                Self.silentNodes.increment(by: count)
                logger.warning("Nodes stopped reporting.", metadata: ["nodes": "\(count)"])
            }
        }
        await attempt("time limits") {
            let count = try await duties.expirePhases()
            if count > 0 {
                Self.expired.increment(by: count)
                logger.warning("Machines passed their time limit.", metadata: ["machines": "\(count)"])
            }
        }
        await attempt("late jobs") { try await duties.expireJobs() }
        await attempt("drains") { try await duties.drain.advance() }
        await attempt("unplaced machines") { try await duties.unplaced.placeNext() }
        await attempt("floating IPs that move") {
            try await duties.mover.complete()
            try await duties.mover.tellDelays()
        }
        await attempt("snapshots") { try await duties.settleSnapshots() }
        await attempt("lost words") { try await duties.resend() }
        await attempt("old metrics") { try await duties.thinMetrics() }
        await attempt("old rows") { try await duties.prune() }
    }

    private func attempt(_ duty: String, _ body: () async throws -> Void) async {
        do {
            try await body()
        } catch is CancellationError {
            return
        } catch {
            logger.warning("A duty failed; it is tried again.", metadata: ["duty": "\(duty)", "error": "\(error)"])
        }
    }

    private static let silentNodes = Counter(label: "gantry.node.silent")
    private static let expired = Counter(label: "gantry.machine.expired")
}

/// How long rows without further use are kept.
package struct Retention: Sendable, Hashable {
    /// A client may repeat a request for this long.
    package var idempotencyKeys: Duration = .seconds(24 * 3600)
    /// Machines' history and how hosts joined, with what is deleted itself: machines, volumes, images and snapshots that nothing stands on.
    package var events: Duration = .seconds(90 * 24 * 3600)
    /// Who had a GPU and how it was cleaned after, but for the newest of each.
    package var gpuUses: Duration = .seconds(365 * 24 * 3600)
    package var deadLetters: Duration = .seconds(30 * 24 * 3600)
    /// Words to nodes that could not be sent; the node asks for what is wanted by itself.
    package var tasks: Duration = .seconds(24 * 3600)
    /// What became of callbacks, counted from their end.
    package var callbacks: Duration = .seconds(3 * 24 * 3600)
    /// What jobs came to, such as logs that tenants asked for; and that consoles were opened.
    package var jobs: Duration = .seconds(24 * 3600)

    package init() {}
}
