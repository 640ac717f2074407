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
    private let nodes = Mutex<[String: TaskConsumer]>([:])

    /// - Parameters:
    ///   - broker: As a user who may read all of the queues.
    ///   - size: How many nodes will share it; consuming begins with the last of them.
    init(_ broker: AMQPConfiguration, size: Int) {
        (self.broker, self.size) = (broker, size)
    }

    /// Consumes a node's queue until the task is cancelled. The last node to come carries the connection.
    func attach(_ session: NodeSession, _ consumer: TaskConsumer) async {
        let queues = nodes.withLock { nodes -> [String]? in
            nodes[session.queue] = consumer
            return nodes.count == size ? Array(nodes.keys) : nil
        }
        guard let queues else { return await untilCancelled() }
        await AMQPConsumer(broker, queues: queues, prefetch: 50)
            .run { delivery in
                guard let consumer = self.nodes.withLock({ $0[delivery.queue] }) else { return .requeue }
                return await consumer.take(delivery)
            }
    }

    private func untilCancelled() async {
        while (try? await Task.sleep(for: .seconds(3600))) != nil {}
    }
}
