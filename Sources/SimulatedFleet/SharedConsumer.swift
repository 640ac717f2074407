// SPDX-License-Identifier: Apache-2.0

import AMQP
import Agent
import GantryProtocol
import Synchronization

/// One connection that consumes the queues of several nodes: each queue still has a consumer of its own.
///
/// For fleets whose connections and threads, one a node, would not fit the machine.
final class SharedConsumer: Sendable {
    private let broker: AMQPConfiguration
    private let size: Int
    private struct State {
        var nodes: [String: TaskConsumer] = [:]
        /// Whether one of the nodes carries the connection.
        var isCarried = false
    }

    private let state = Mutex(State())

    /// - Parameters:
    ///   - broker: As a user who may read all of the queues.
    ///   - size: How many nodes will share it; consuming begins with the last of them.
    init(_ broker: AMQPConfiguration, size: Int) {
        (self.broker, self.size) = (broker, size)
    }

    /// Consumes a node's queue until the task is cancelled. The last node to come carries the connection, and should that
    /// one end, the next that comes anew.
    func attach(_ session: NodeSession, _ consumer: TaskConsumer) async {
        let queues = state.withLock { state -> [String]? in
            state.nodes[session.queue] = consumer
            guard state.nodes.count == size, !state.isCarried else { return nil }
            state.isCarried = true
            return Array(state.nodes.keys)
        }
        guard let queues else { return await untilCancelled() }
        defer { state.withLock { $0.isCarried = false } }
        await AMQPConsumer(broker, queues: queues, prefetch: 50)
            .run { delivery in
                guard let consumer = self.state.withLock({ $0.nodes[delivery.queue] }) else { return .requeue }
                return await consumer.take(delivery)
            }
    }

    private func untilCancelled() async {
        while (try? await Task.sleep(for: .seconds(3600))) != nil {}
    }
}
