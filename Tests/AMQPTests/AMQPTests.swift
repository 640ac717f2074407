// SPDX-License-Identifier: Apache-2.0

import AMQP
import Foundation
import GantryTestSupport
import Synchronization
import Testing

/// The topology that the tests publish to: a direct exchange, a quorum queue with a delivery limit, its dead letters.
private func declare(_ publisher: AMQPPublisher, queue: String = "q") async throws {
    try await publisher.declareExchange("tasks", type: "direct")
    try await publisher.declareExchange("dead", type: "fanout")
    try await publisher.declareQueue("dead", arguments: ["x-queue-type": "quorum"])
    try await publisher.bindQueue("dead", to: "dead", routingKey: "")
    try await publisher.declareQueue(
        queue,
        arguments: ["x-queue-type": "quorum", "x-delivery-limit": 3, "x-dead-letter-exchange": "dead"]
    )
    try await publisher.bindQueue(queue, to: "tasks", routingKey: queue)
}

private func message(_ number: Int, to key: String = "q") -> AMQPMessage {
    AMQPMessage(exchange: "tasks", routingKey: key, id: "m\(number)", body: Data("\(number)".utf8))
}

@Suite("Messages arrive, or their publisher learns that they did not")
struct AMQPTests {
    @Test("A batch is confirmed, what no queue takes is returned, and each message arrives once")
    func roundTrip() async throws {
        try await withTemporaryVirtualHost { host in
            let publisher = AMQPPublisher(host.configuration)
            try await declare(publisher)
            let outcomes = try await publisher.publish((0..<200).map { message($0, to: $0 == 7 ? "nobody" : "q") })
            #expect(outcomes.enumerated().filter { $0.element != .confirmed }.map(\.offset) == [7])
            guard case .returned(code: 312, _) = outcomes[7] else {
                Issue.record("an unroutable message is returned with 312, not \(outcomes[7])")
                return
            }
            let seen = Received()
            let consumer = AMQPConsumer(host.configuration, queues: ["q"], prefetch: 10)
            let task = Task { await consumer.run { seen.take($0) } }
            try await eventually("all arrive") { seen.ids.count == 199 }
            task.cancel()
            await task.value
            #expect(Set(seen.ids).count == 199)
        }
    }

    @Test("A publisher that had nothing to say for longer than any heartbeat still has its connection")
    func quiet() async throws {
        try await withTemporaryVirtualHost { host in
            var configuration = host.configuration
            configuration.heartbeat = 1
            let publisher = AMQPPublisher(configuration)
            try await declare(publisher)
            // Twice the heartbeat is the broker's patience; nothing else tells that it has passed.
            try await Task.sleep(for: .seconds(5))
            #expect(try await publisher.publish([message(1)]) == [.confirmed])
        }
    }

    @Test("A rejected message, and one requeued too often, end in the dead letter queue")
    func deadLetters() async throws {
        try await withTemporaryVirtualHost { host in
            let publisher = AMQPPublisher(host.configuration)
            try await declare(publisher)
            _ = try await publisher.publish([message(1), message(2)])
            let dead = Received()
            async let _: Void = AMQPConsumer(host.configuration, queues: ["q"], prefetch: 10)
                .run { delivery in
                    delivery.messageID == "m1" ? .reject : .requeue
                }
            let graveyard = AMQPConsumer(host.configuration, queues: ["dead"], prefetch: 10)
            async let _: Void = graveyard.run { dead.take($0) }
            try await eventually("both are dead") { Set(dead.ids) == ["m1", "m2"] }
        }
    }

    @Test("What a consumer had not acknowledged when it went comes again, marked")
    func redelivery() async throws {
        try await withTemporaryVirtualHost { host in
            let publisher = AMQPPublisher(host.configuration)
            try await declare(publisher)
            _ = try await publisher.publish([message(1)])
            let first = Received()
            let task = Task {
                await AMQPConsumer(host.configuration, queues: ["q"], prefetch: 1)
                    .run { delivery in
                        _ = first.take(delivery)
                        try? await Task.sleep(for: .seconds(600))
                        return .requeue
                    }
            }
            try await eventually("the first consumer has it") { !first.ids.isEmpty }
            task.cancel()
            await task.value
            let second = Received()
            async let _: Void = AMQPConsumer(host.configuration, queues: ["q"], prefetch: 1)
                .run { second.take($0) }
            try await eventually("the second consumer has it") { second.ids == ["m1"] }
            #expect(second.redelivered)
        }
    }

    @Test("A user who may only read one queue consumes it, and no other")
    func readOnlyUser() async throws {
        try await withTemporaryVirtualHost { host in
            let publisher = AMQPPublisher(host.configuration)
            try await declare(publisher)
            try await declare(publisher, queue: "other")
            let user = "reader-\(host.name)"
            try await host.manage("PUT", "users/\(user)", #"{"password":"secret","tags":""}"#)
            try await host.manage(
                "PUT",
                "permissions/\(host.name)/\(user)",
                #"{"configure":"","write":"","read":"^q$"}"#
            )
            var own = host.configuration
            (own.user, own.password) = (user, "secret")
            _ = try await publisher.publish([message(1)])
            let seen = Received()
            let consumer = AMQPConsumer(own, queues: ["q"], prefetch: 1)
            async let _: Void = consumer.run { seen.take($0) }
            try await eventually("its own queue's message arrives") { seen.ids == ["m1"] }
            let refusals = Mutex<[AMQPError]>([])
            async let _: Void = AMQPConsumer(own, queues: ["other"], prefetch: 1)
                .run(
                    onState: { if case .disconnected(let error) = $0 { refusals.withLock { $0.append(error) } } },
                    handler: { _ in .acknowledge }
                )
            try await eventually("the other queue is refused") {
                refusals.withLock { $0 }.contains { $0.kind == .refused(code: 403) }
            }
            try await host.manage("DELETE", "users/\(user)")
        }
    }

    @Test("Publisher and consumer outlive a restart of the broker, and confirmed messages too", .timeLimit(.minutes(5)))
    func restart() async throws {
        // A broker of its own: a restart under other tests would be unkind.
        try await withTemporaryDirectory { directory in
            let services = Repository.path("Packaging/dev/services")
            try await shell(services, "up", directory + "/s", "--no-fsync")
            do {
                try await restart(services, directory + "/s")
                try await shell(services, "down", directory + "/s")
            } catch {
                try await shell(services, "down", directory + "/s")
                throw error
            }
        }
    }

    private func restart(_ services: String, _ folder: String) async throws {
        let url = try await shell("sh", "-c", ". \"$1/services.env\"; printf %s \"$GANTRY_AMQP_URL\"", "sh", folder)
        let configuration = try AMQPConfiguration(url: url)
        let publisher = AMQPPublisher(configuration)
        try await declare(publisher)
        #expect(try await publisher.publish([message(1)]) == [.confirmed])
        try await shell(services, "restart-rabbitmq", folder)
        let seen = Received()
        let consumer = Task { await AMQPConsumer(configuration, queues: ["q"], prefetch: 1).run { seen.take($0) } }
        try await eventually("the confirmed message is still there") { seen.ids.contains("m1") }
        try await shell(services, "restart-rabbitmq", folder)
        try await eventually("publishing works again") {
            (try? await publisher.publish([message(2)])) == [.confirmed]
        }
        try await eventually("consuming works again") { seen.ids.contains("m2") }
        consumer.cancel()
        await consumer.value
    }
}

private final class Received: Sendable {
    private let deliveries = Mutex<[AMQPDelivery]>([])

    var ids: [String] { deliveries.withLock { $0.map(\.messageID) } }
    var redelivered: Bool { deliveries.withLock { $0.contains(where: \.redelivered) } }

    func take(_ delivery: AMQPDelivery) -> AMQPDisposition {
        deliveries.withLock { $0.append(delivery) }
        return .acknowledge
    }
}
