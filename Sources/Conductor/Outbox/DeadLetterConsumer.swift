// SPDX-License-Identifier: Apache-2.0

package import AMQP
import Foundation
package import Logging
package import Postgres
import ServiceLifecycle

/// Moves dead letters from their queue into the database, where operators see them, and says so.
package struct DeadLetterConsumer: Service {
    private let store: DeadLetterStore
    private let consumer: AMQPConsumer
    private let logger: Logger

    package init(database: Database, broker: AMQPConfiguration, logger: Logger) {
        store = DeadLetterStore(database: database)
        consumer = AMQPConsumer(broker, queues: [TaskTopology.dead], prefetch: 16)
        self.logger = logger
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            await consumer.run { delivery in await keep(delivery) }
        }
    }

    private func keep(_ delivery: AMQPDelivery) async -> AMQPDisposition {
        let queue = delivery.headers["x-first-death-queue"] ?? "gantry.node.\(delivery.routingKey)"
        // The relay sends here what no queue took; the broker says why something died.
        let reason = delivery.headers["x-first-death-reason"] ?? "unroutable"
        let metadata: Logger.Metadata = ["amqp.queue": "\(queue)", "amqp.reason": "\(reason)"]
        do {
            let id = delivery.messageID.isEmpty ? nil : delivery.messageID
            if try await store.add(messageID: id, queue: queue, reason: reason, body: delivery.body) {
                logger.error("A task was set aside as a dead letter.", metadata: metadata)
            }
            return .acknowledge
        } catch {
            logger.warning(
                "A dead letter could not be stored; it comes again.",
                metadata: metadata.merging(["error": "\(error)"]) { $1 }
            )
            try? await Task.sleep(for: .seconds(1))
            return .requeue
        }
    }
}
