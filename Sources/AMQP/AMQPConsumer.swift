// SPDX-License-Identifier: Apache-2.0

public import Foundation

/// A message from a queue.
public struct AMQPDelivery: Sendable, Hashable {
    public let queue: String
    /// Empty when its publisher gave none.
    public let messageID: String
    public let routingKey: String
    /// Whether it may have been delivered before.
    public let redelivered: Bool
    /// Headers that hold text, such as `x-first-death-reason` of a dead letter.
    public let headers: [String: String]
    public let body: Data
    let tag: UInt64
}

/// What to do with a delivery.
public enum AMQPDisposition: Sendable, Hashable {
    /// It is taken care of.
    case acknowledge
    /// It can never be taken: to the queue's dead letter exchange.
    case reject
    /// It shall come again.
    case requeue
}

/// Consumes queues over one connection on a thread of its own.
///
/// It declares nothing, so that a broker user who may only read its own queue is enough.
public struct AMQPConsumer: Sendable {
    public enum State: Sendable, Hashable {
        case connected
        /// With the reason, and retried until the consumer is cancelled.
        case disconnected(AMQPError)
    }

    private let configuration: @Sendable () -> AMQPConfiguration
    private let queues: [String]
    private let prefetch: Int

    /// - Parameters:
    ///   - configuration: The broker and as whom.
    ///   - queues: The queues to consume, all over the one connection.
    ///   - prefetch: How many deliveries of each queue may wait for their disposition, 1 to 65535.
    public init(_ configuration: AMQPConfiguration, queues: [String], prefetch: Int) {
        self.init(connectingWith: { configuration }, queues: queues, prefetch: prefetch)
    }

    /// - Parameters:
    ///   - configuration: The broker and as whom, asked for before each connection.
    ///   - queues: The queues to consume, all over the one connection.
    ///   - prefetch: How many deliveries of each queue may wait for their disposition, 1 to 65535.
    public init(
        connectingWith configuration: @escaping @Sendable () -> AMQPConfiguration,
        queues: [String],
        prefetch: Int
    ) {
        (self.configuration, self.queues, self.prefetch) = (configuration, queues, prefetch)
    }

    /// Hands each delivery to `handler`, up to `prefetch` side by side, until the task is cancelled.
    ///
    /// A lost connection is made again, after a wait of up to a bound that doubles from one second to 30, so that
    /// thousands of consumers come back evenly. Deliveries that were not disposed of then come again.
    public func run(
        onState: @escaping @Sendable (State) -> Void = { _ in },
        handler: @escaping @Sendable (AMQPDelivery) async -> AMQPDisposition
    ) async {
        var failures = 0
        while !Task.isCancelled {
            let channel = ConsumerChannel(configuration())
            do throws(AMQPError) {
                try await channel.open(queues: queues, prefetch: prefetch)
                onState(.connected)
                failures = 0
                try await consume(channel, handler)
            } catch {
                onState(.disconnected(error))
            }
            await channel.close()
            failures += 1
            let bound = min(30.0, 0.5 * pow(2, Double(min(failures, 10))))
            try? await Task.sleep(for: .seconds(Double.random(in: 0...bound)))
        }
    }

    private func consume(
        _ channel: ConsumerChannel,
        _ handler: @escaping @Sendable (AMQPDelivery) async -> AMQPDisposition
    ) async throws(AMQPError) {
        let failure: AMQPError? = await withTaskCancellationHandler {
            await withDiscardingTaskGroup { group in
                while !Task.isCancelled {
                    do throws(AMQPError) {
                        for delivery in try await channel.next() {
                            group.addTask {
                                channel.settle(delivery, await handler(delivery))
                            }
                        }
                    } catch {
                        group.cancelAll()
                        return error
                    }
                }
                return nil
            }
        } onCancel: {
            channel.wake()
        }
        // What the handlers disposed of while the group ended still goes out.
        try await channel.flush()
        if let failure { throw failure }
    }
}
