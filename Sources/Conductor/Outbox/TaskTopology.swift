// SPDX-License-Identifier: Apache-2.0

package import AMQP
package import GantryModel

/// The exchanges and queues through which tasks go.
///
///     gantry.tasks (direct) ── node name ──▶ gantry.node.<name> (quorum) ── rejected, or delivered too often ─┐
///     gantry.dead (fanout) ◀──────────────────────────────────────────────────────────────────────────────────┘
///          └──▶ gantry.dead (quorum)
package enum TaskTopology {
    package static let exchange = "gantry.tasks"
    /// The name of the dead letters' exchange and of its queue.
    package static let dead = "gantry.dead"
    /// A message that came back this often without being settled kills its consumer, so it is set aside.
    static let deliveryLimit: Int64 = 10

    package static func queue(of node: NodeName) -> String { "\(queues)\(node)" }

    /// The name of the node that a queue is for; nil for other queues.
    static func node(ofQueue name: String) -> String? {
        name.hasPrefix(queues) ? String(name.dropFirst(queues.count)) : nil
    }

    private static let queues = "gantry.node."

    /// Declares what all nodes share. Doing it again changes nothing.
    package static func declareShared(_ publisher: AMQPPublisher) async throws {
        try await publisher.declareExchange(exchange, type: "direct")
        try await publisher.declareExchange(dead, type: "fanout")
        try await publisher.declareQueue(dead, arguments: ["x-queue-type": "quorum"])
        try await publisher.bindQueue(dead, to: dead, routingKey: "")
    }

    /// Declares a node's queue. Doing it again changes nothing.
    package static func declareQueue(of node: NodeName, _ publisher: AMQPPublisher) async throws {
        try await publisher.declareQueue(
            queue(of: node),
            arguments: [
                "x-queue-type": "quorum",
                "x-delivery-limit": .number(deliveryLimit),
                "x-dead-letter-exchange": .text(dead),
            ]
        )
        try await publisher.bindQueue(queue(of: node), to: exchange, routingKey: node.description)
    }
}
