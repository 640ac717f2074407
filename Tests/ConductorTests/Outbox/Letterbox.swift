// SPDX-License-Identifier: Apache-2.0

import AMQP
import Conductor
import Foundation
import GantryModel
import GantryProtocol
import Logging
import Observability
import Postgres
import ServiceLifecycle
import Synchronization

/// What a node's agent gets from its queue.
final class Letterbox: Sendable {
    private let received = Mutex<[MachineTask]>([])
    private let disposition: AMQPDisposition

    /// - Parameter disposition: what the agent says of every delivery.
    init(_ disposition: AMQPDisposition = .acknowledge) { self.disposition = disposition }

    var tasks: [MachineTask] { received.withLock { $0 } }

    /// Consumes until its task is cancelled.
    func consume(_ broker: AMQPConfiguration, queue: String) async {
        await AMQPConsumer(broker, queues: [queue], prefetch: 10)
            .run { delivery in
                if let task = try? NodeJSON.decoder.decode(MachineTask.self, from: delivery.body) {
                    self.received.withLock { $0.append(task) }
                }
                return self.disposition
            }
    }
}

extension Cloud {
    /// A relay from this cloud to a broker. It looks often, so that tests need not wait long.
    func relay(
        to broker: AMQPConfiguration,
        health: Health = Health(),
        logger: Logger = Logger(label: "test")
    ) -> OutboxRelay {
        OutboxRelay(
            database: database,
            publisher: AMQPPublisher(broker),
            outbox: outbox,
            health: health,
            logger: logger,
            pollInterval: .milliseconds(200)
        )
    }

    var outboxCount: Int {
        get async throws { try await number("SELECT count(*) AS number FROM task_outbox") }
    }
}

/// Runs services beside a test and ends them in order afterwards.
func withServices(_ services: [any Service], _ body: () async throws -> Void) async throws {
    let group = ServiceGroup(
        configuration: .init(services: services.map { .init(service: $0) }, logger: Logger(label: "test"))
    )
    try await withThrowingTaskGroup(of: Void.self) { tasks in
        tasks.addTask { try await group.run() }
        do {
            try await body()
        } catch {
            await group.triggerGracefulShutdown()
            throw error
        }
        await group.triggerGracefulShutdown()
        try await tasks.waitForAll()
    }
}
