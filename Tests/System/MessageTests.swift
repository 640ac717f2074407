// SPDX-License-Identifier: Apache-2.0

import AMQP
import Conductor
import Foundation
import GantryClient
import GantryModel
import GantryProtocol
import GantryTestSupport
import Postgres
import Testing

@Suite("Messages that come twice, late or broken (root)", .serialized)
struct MessageTests {
    @Test("None of them changes anything", .timeLimit(.minutes(10)))
    func hints() async throws {
        try await SystemCloud.withIdleGuests { cloud in
            let agent = try cloud.startAgent()
            let queue = NodeQueue(cloud)
            let machine = try await cloud.wait(for: cloud.create("once"), .active)
            let creation = try await queue.lastTask(of: machine)
            try await queue.send(creation)
            try await cloud.expectBoots(1, of: machine)
            try await Auditor.expectOnly([cloud.domain(machine)], on: cloud.hosts[0])

            try await cloud.api.perform(.stop, on: machine.id)
            try await cloud.wait(for: machine, .shutoff)
            try await queue.send(creation)
            let task = try await NodeJSON.decoder.decode(MachineTask.self, from: queue.lastTask(of: machine))
            #expect(task.power == .stopped)

            try await cloud.remove(machine)
            try await Auditor.expectNothingLeft(of: cloud)
            try await queue.send(creation)
            try await Auditor.expectNothingLeft(of: cloud)
            #expect(try await agent.stop() == 0)
        }
    }
}

/// The queue of the first node, as anybody with the right to write to it sees it.
private actor NodeQueue {
    private let cloud: SystemCloud
    private let publisher: AMQPPublisher
    private var deadLetters = 0

    init(_ cloud: SystemCloud) {
        self.cloud = cloud
        publisher = AMQPPublisher(cloud.broker.configuration)
    }

    /// The newest task that the agent has taken for a machine, as JSON.
    func lastTask(of machine: InstanceBody) async throws -> Data {
        let path = try await "\(cloud.hosts[0].agentFolder)/journal/\(cloud.uuid(machine)).json"
        let entry = try JSONSerialization.jsonObject(with: Data(contentsOf: URL(filePath: path))) as? [String: Any]
        return try JSONSerialization.data(withJSONObject: try #require(entry?["task"]))
    }

    /// Sends a message, and returns when the agent has dealt with it: a broken one that was sent behind it is then
    /// among the dead letters.
    func send(_ body: Data) async throws {
        let outcomes = try await publisher.publish([message(body), message(Data("no task".utf8))])
        #expect(outcomes == [.confirmed, .confirmed])
        deadLetters += 1
        let expected = deadLetters
        try await eventually("the broken message is a dead letter") {
            let rows = try await cloud.database.read { try $0.query("SELECT count(*) AS n FROM dead_letter") }
            return try rows[0]["n"] == expected
        }
    }

    private func message(_ body: Data) -> AMQPMessage {
        AMQPMessage(exchange: TaskTopology.exchange, routingKey: "node-0", id: UUID().uuidString, body: body)
    }
}
