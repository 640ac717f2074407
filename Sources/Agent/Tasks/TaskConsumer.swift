// SPDX-License-Identifier: Apache-2.0

package import AMQP
import Foundation
package import GantryModel
import GantryProtocol
package import Logging
import Metrics

/// Takes tasks from the node's queue: journal, acknowledge, then work. A crash after the acknowledgement loses nothing.
package struct TaskConsumer: Sendable {
    private let node: NodeName
    private let epoch: Int64?
    private let supervisor: Supervisor
    private let pause: Duration
    private let logger: Logger

    /// - Parameters:
    ///   - node: Whose tasks these are.
    ///   - epoch: The session's, which alone counts; nil for any.
    ///   - supervisor: Takes them.
    ///   - pause: Before a task that could not be stored goes back to the queue.
    ///   - logger: For what is rejected.
    package init(
        node: NodeName,
        epoch: Int64? = nil,
        supervisor: Supervisor,
        pause: Duration = .seconds(5),
        logger: Logger
    ) {
        (self.node, self.epoch, self.supervisor) = (node, epoch, supervisor)
        (self.pause, self.logger) = (pause, logger)
    }

    /// What to do with a message: poison goes to the dead letters, where the operator sees it.
    package func take(_ delivery: AMQPDelivery) async -> AMQPDisposition {
        guard let task = decode(delivery) else {
            Counter(label: "gantry.agent.tasks", dimensions: [("outcome", "rejected")]).increment()
            return .reject
        }
        // What came before the session is in the desired state that it began with, if it is still wanted.
        if let epoch, let made = task.epoch, made != epoch {
            Counter(label: "gantry.agent.tasks", dimensions: [("outcome", "outdated")]).increment()
            return .acknowledge
        }
        do {
            try await supervisor.take(hint: task)
        } catch {
            // The journal's disk is full or broken; the desired state brings the task again as well.
            logger.error("A task could not be stored", metadata: ["task.id": "\(task.taskID)", "error": "\(error)"])
            try? await Task.sleep(for: pause)
            return .requeue
        }
        Counter(label: "gantry.agent.tasks", dimensions: [("outcome", "taken")]).increment()
        return .acknowledge
    }

    private func decode(_ delivery: AMQPDelivery) -> MachineTask? {
        let task: MachineTask
        do {
            task = try NodeJSON.decoder.decode(MachineTask.self, from: delivery.body)
        } catch {
            logger.error(
                "A message is no task",
                metadata: ["message.id": "\(delivery.messageID)", "error": "\(error)"]
            )
            return nil
        }
        guard task.isMeant(for: node) else {
            logger.error("A task is not for this agent", metadata: task.addressee)
            return nil
        }
        return task
    }
}
