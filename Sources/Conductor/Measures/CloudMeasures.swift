// SPDX-License-Identifier: Apache-2.0

package import Logging
import Metrics
import Observability
package import Postgres
import ServiceLifecycle

/// Measures the whole cloud every some seconds, for Prometheus. Each conductor tells the same of one database.
package struct CloudMeasures: Service {
    private let database: Database
    private let broker: BrokerAdministration?
    private let logger: Logger
    private let gauges = CloudGauges()

    /// About as often as Prometheus asks.
    private static let interval = Duration.seconds(15)

    /// - Parameters:
    ///   - database: where the cloud is.
    ///   - broker: where the nodes' queues are; nil where they are not looked at.
    ///   - logger: for what cannot be measured.
    package init(database: Database, broker: BrokerAdministration?, logger: Logger) {
        (self.database, self.broker, self.logger) = (database, broker, logger)
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                await measure()
                try? await Task.sleep(for: Self.interval)
            }
        }
    }

    /// Measures everything once. What cannot be measured keeps its last value.
    package func measure() async {
        do {
            gauges.record(try await database.read { try CloudLook($0) })
        } catch {
            logger.warning("The cloud could not be measured.", metadata: ["error": "\(error)"])
        }
        guard let broker else { return }
        do {
            gauges.record(try await broker.nodeQueues())
        } catch {
            logger.warning("The nodes' queues could not be measured.", metadata: ["error": "\(error)"])
        }
    }
}

/// What ``CloudMeasures`` tells.
private struct CloudGauges: Sendable {
    private let machines = GaugeFamily("gantry.machines")
    private let machineAges = GaugeFamily("gantry.machines.oldest_seconds")
    private let nodes = GaugeFamily("gantry.nodes")
    private let schedulable = GaugeFamily("gantry.node.schedulable")
    private let reportAges = GaugeFamily("gantry.node.report_age_seconds")
    private let capacity = GaugeFamily("gantry.capacity")
    private let gpus = GaugeFamily("gantry.gpu.units")
    private let gpuCleaningAges = GaugeFamily("gantry.gpu.cleaning.oldest_seconds")
    private let outboxRows = GaugeFamily("gantry.outbox.rows")
    private let outboxAge = GaugeFamily("gantry.outbox.oldest_seconds")
    private let callbacksWaiting = GaugeFamily("gantry.callback.waiting")
    private let callbackAge = GaugeFamily("gantry.callback.oldest_seconds")
    private let messages = GaugeFamily("gantry.queue.messages")
    private let consumers = GaugeFamily("gantry.queue.consumers")

    func record(_ look: CloudLook) {
        machines.record(look.machines)
        machineAges.record(look.machineAges)
        nodes.record(look.nodes)
        schedulable.record(look.schedulable)
        reportAges.record(look.reportAges)
        capacity.record(look.capacity)
        gpus.record(look.gpus)
        gpuCleaningAges.record(look.gpuCleaningAges)
        outboxRows.record(look.outbox.rows)
        outboxAge.record(look.outbox.seconds)
        callbacksWaiting.record(look.callbacks.rows)
        callbackAge.record(look.callbacks.seconds)
    }

    func record(_ queues: [BrokerAdministration.NodeQueue]) {
        let byNode = Dictionary(queues.map { (["node": $0.node], $0) }) { first, _ in first }
        messages.record(byNode.mapValues { Double($0.messages) })
        consumers.record(byNode.mapValues { Double($0.consumers) })
    }
}
