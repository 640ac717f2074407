// SPDX-License-Identifier: Apache-2.0

import Foundation
import GantryModel
import GantryProtocol
import GantryTestSupport
import SimulatedHost
import Testing

@testable import AMQP
@testable import Agent

@Suite("A task is acknowledged when it is on disk, and poison is left to the dead letters")
struct TaskConsumerTests {
    private func delivery(_ body: Data) -> AMQPDelivery {
        AMQPDelivery(queue: "q", messageID: "m", routingKey: "q", redelivered: false, headers: [:], body: body, tag: 1)
    }

    private func delivery(_ task: MachineTask) throws -> AMQPDelivery {
        delivery(try NodeJSON.encoder.encode(task))
    }

    @Test("A task, an older and a repeated one are acknowledged; the newest is journaled by then")
    func taken() async throws {
        try await withTemporaryDirectory { folder in
            let node = try SimulatedNode(folder: folder)
            let newest = try Example.task(.stopped, generation: 3)
            for task in [try Example.task(generation: 2), newest, newest, try Example.task(generation: 1)] {
                #expect(await node.consumer.take(try delivery(task)) == .acknowledge)
            }
            let known = try TaskJournal(directory: "\(folder)/journal", logger: Example.logger)
            #expect(await known.all.map(\.task) == [newest])
            await node.supervisor.stop()
        }
    }

    @Test("No JSON, no task, another node's, and a protocol of tomorrow are rejected")
    func poison() async throws {
        try await withTemporaryDirectory { folder in
            let node = try SimulatedNode(folder: folder)
            var foreign = try Example.task()
            foreign.node = try NodeName("another")
            var newer = try Example.task()
            newer.protocolVersion = ProtocolVersion.current + 1
            let bodies = [Data(), Data("{".utf8), Data("{}".utf8), Data([0xFF, 0xFE])]
            for delivery in try bodies.map(delivery) + [foreign, newer].map({ try delivery($0) }) {
                #expect(await node.consumer.take(delivery) == .reject)
            }
            #expect(await node.journal.all.isEmpty)
        }
    }

    @Test("A task that cannot be stored comes again (root)")
    func full() async throws {
        try await withSmallDisk(kibibytes: 32) { folder in
            let node = try SimulatedNode(folder: folder)
            try Data(count: 24 << 10).write(to: URL(filePath: "\(folder)/filler"))
            let task = try Example.task(spec: Example.spec(userData: Data(count: 10 << 10)))
            #expect(await node.consumer.take(try delivery(task)) == .requeue)
            try FileManager.default.removeItem(atPath: "\(folder)/filler")
            #expect(await node.consumer.take(try delivery(task)) == .acknowledge)
            await node.supervisor.stop()
        }
    }
}
