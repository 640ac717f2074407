// SPDX-License-Identifier: Apache-2.0

package import AMQP
import Foundation
import GantryModel
import GantryProtocol
package import Logging
import Metrics
package import Observability
package import Postgres
import ServiceLifecycle

/// Carries tasks from the outbox to the nodes' queues. Any number of relays may run on one database.
///
/// A row is leased, its task made of what is wanted at that moment and published, and the row deleted when the broker
/// has confirmed. No transaction is open meanwhile: a relay that dies, or a broker that is away, leaves rows whose lease
/// ends, and a task that is sent twice does no harm.
package struct OutboxRelay: Service {
    private let store: OutboxStore
    private let letters: DeadLetterStore
    private let publisher: AMQPPublisher
    private let outbox: OutboxSignal
    private let health: Health
    private let logger: Logger
    /// How often to look for what others left.
    private let pollInterval: Duration
    private let liveness: Liveness

    private static let batchSize = 256
    static let part = "rabbitmq"
    /// How often the broker is spoken to where nothing is to be sent, so that one that is away is known to be.
    private static let brokerInterval = Duration.seconds(5)

    /// - Parameters:
    ///   - database: where the outbox is.
    ///   - publisher: the relay's own; it is closed when the relay ends.
    ///   - outbox: raised by this process's commits. It has one listener, this relay.
    ///   - health: where the relay says how the broker is, as `rabbitmq`.
    ///   - logger: for what waits and why.
    ///   - pollInterval: how often to look for what other conductors, or one that died, left.
    ///   - liveness: told of each look.
    package init(
        database: Database,
        publisher: AMQPPublisher,
        outbox: OutboxSignal,
        health: Health,
        logger: Logger,
        pollInterval: Duration = .seconds(1),
        liveness: Liveness = Liveness()
    ) {
        store = OutboxStore(database: database)
        letters = DeadLetterStore(database: database)
        self.publisher = publisher
        self.outbox = outbox
        self.health = health
        self.logger = logger
        self.pollInterval = pollInterval
        self.liveness = liveness
    }

    /// Longer than a batch takes when neither database nor broker answers.
    private static let patience = Duration.seconds(300)

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            await withDiscardingTaskGroup { group in
                group.addTask {
                    while (try? await Task.sleep(for: pollInterval)) != nil { outbox.raise() }
                }
                var failures = 0
                var declared: ContinuousClock.Instant?
                for await _ in outbox.raised {
                    liveness.beat("outbox", within: Self.patience)
                    do {
                        if declared.map({ $0.duration(to: .now) >= Self.brokerInterval }) ?? true {
                            try await TaskTopology.declareShared(publisher)
                            declared = .now
                        }
                        try await drain()
                        failures = 0
                        health.report(Self.part, .well)
                    } catch is CancellationError {
                        break
                    } catch {
                        // The broker may have been set up anew.
                        declared = nil
                        failures += 1
                        health.report(Self.part, .ill("Tasks wait to be sent: \(error)"))
                        logger.warning("Tasks could not be sent; they wait.", metadata: ["error": "\(error)"])
                        let bound = min(15.0, 0.1 * Double(1 << min(failures, 10)))
                        try? await Task.sleep(for: .seconds(Double.random(in: bound / 2...bound)))
                    }
                }
                group.cancelAll()
            }
        }
        await publisher.close()
    }

    /// Sends all that is due.
    package func drain() async throws {
        while try await sendBatch() == Self.batchSize {}
    }

    /// Sends up to ``batchSize`` rows and says how many there were.
    private func sendBatch() async throws -> Int {
        let batch = try await store.lease(Self.batchSize)
        guard !batch.rows.isEmpty else { return 0 }
        let messages = try Self.messages(of: batch)
        let outcomes: [AMQPOutcome]
        do {
            outcomes = messages.isEmpty ? [] : try await publisher.publish(messages.map(\.message))
        } catch {
            try await store.release(batch.rows.map(\.id))
            throw error
        }
        var settlement = OutboxSettlement()
        // Of machines that are deleted, elsewhere or unreadable there is nothing to tell this node.
        let spoken = Set(messages.flatMap { $0.rows.map(\.id) })
        settlement.done = batch.rows.map(\.id).filter { !spoken.contains($0) }
        var returned: [PendingMessage] = []
        for (message, outcome) in zip(messages, outcomes) {
            switch outcome {
            case .confirmed:
                settlement.done += message.rows.map(\.id)
                log(message)
            case .refused:
                settlement.again += message.rows.map(\.id)
            case .returned:
                returned.append(message)
            }
        }
        Self.sent.increment(by: outcomes.count { $0 == .confirmed })
        try await handle(returned, &settlement)
        try await setAside(batch.unreadable)
        try await store.settle(settlement)
        return batch.rows.count
    }

    /// A line for each request that the task is for, so that its id leads to the task's.
    private func log(_ message: PendingMessage) {
        let requests = Set(message.rows.map(\.requestID))
        for request in requests {
            var metadata: Logger.Metadata = [
                "task.id": "\(message.task.taskID)", "vm.id": "\(message.task.machineID)",
                "node.name": "\(message.task.node)", "generation": "\(message.task.generation)",
            ]
            if let request { metadata["request.id"] = "\(request)" }
            logger.info("A task was sent", metadata: metadata)
        }
    }

    /// Keeps as dead letters what no task can be made of, so that it holds up nothing else.
    private func setAside(_ unreadable: [VirtualMachineID: String]) async throws {
        for (machine, error) in unreadable {
            logger.error("A task cannot be made.", metadata: ["vm.id": "\(machine)", "error": "\(error)"])
            try await letters.add(
                messageID: nil,
                queue: "task_outbox",
                reason: "unreadable",
                body: Data("machine \(machine): \(error)".utf8)
            )
        }
    }

    /// Declares the missing queues, so that the next attempt finds them, and sets aside what was returned too often.
    private func handle(_ returned: [PendingMessage], _ settlement: inout OutboxSettlement) async throws {
        guard !returned.isEmpty else { return }
        Self.returns.increment(by: returned.count)
        let hopeless = returned.filter(\.isHopeless)
        if !hopeless.isEmpty {
            let letters = hopeless.map(\.letter)
            let outcomes = try await publisher.publish(letters)
            for (message, outcome) in zip(hopeless, outcomes) {
                let ids = message.rows.map(\.id)
                if outcome == .confirmed { settlement.done += ids } else { settlement.again += ids }
            }
        }
        for message in returned where !message.isHopeless { settlement.returned += message.rows.map(\.id) }
        for node in Set(returned.map(\.task.node)) {
            do {
                try await TaskTopology.declareQueue(of: node, publisher)
            } catch {
                logger.error(
                    "A node's queue is missing and cannot be declared.",
                    metadata: ["node.name": "\(node)", "error": "\(error)"]
                )
            }
        }
    }

    private static func messages(of batch: OutboxBatch) throws -> [PendingMessage] {
        let encoder = NodeJSON.encoder
        let rows = Dictionary(grouping: batch.rows) { OutboxTarget(node: $0.node, machine: $0.machine) }
        return try batch.tasks.compactMap { task in
            var task = task
            guard let rows = rows[OutboxTarget(node: task.node, machine: task.machineID)] else { return nil }
            task.requestID = rows.sorted { $0.id < $1.id }.compactMap(\.requestID).last
            let message = AMQPMessage(
                exchange: TaskTopology.exchange,
                routingKey: task.node.description,
                id: task.taskID.uuidString.lowercased(),
                body: try encoder.encode(task)
            )
            return PendingMessage(task: task, rows: rows, message: message)
        }
    }

    private static let sent = Counter(label: "gantry.outbox.sent")
    private static let returns = Counter(label: "gantry.outbox.returned")
}

/// Whom a row is about.
private struct OutboxTarget: Hashable {
    let node: NodeName
    let machine: VirtualMachineID
}

/// One task with all the rows that ask for it.
private struct PendingMessage {
    let task: MachineTask
    let rows: [OutboxRow]
    let message: AMQPMessage

    /// After this many returns a task goes to the dead letters.
    private static let maximumReturns = 6

    var isHopeless: Bool { rows.contains { $0.returns + 1 >= Self.maximumReturns } }

    /// The same for the dead letters.
    var letter: AMQPMessage {
        var letter = message
        letter.exchange = TaskTopology.dead
        return letter
    }
}
