// SPDX-License-Identifier: Apache-2.0

import AMQP
import Conductor
import Foundation
import GantryModel
import GantryProtocol
import GantryTestSupport
import Logging
import Observability
import Postgres
import Testing

@Suite("The outbox and its relay, on a real broker")
struct OutboxRelayTests {
    @Test("A task reaches the node's queue, with what is wanted when it is sent, and its row goes")
    func delivers() async throws {
        try await Cloud.with { cloud in
            try await withTemporaryVirtualHost { host in
                try await cloud.addNode("one")
                let machine = try await cloud.createOne()
                try await cloud.perform(.delete, machine)
                let box = Letterbox()
                let consumer = Task { await box.consume(host.configuration, queue: "gantry.node.one") }
                defer { consumer.cancel() }
                try await withServices([cloud.relay(to: host.configuration)]) {
                    try await eventually("the task arrives") { !box.tasks.isEmpty }
                    try await eventually("the outbox is empty") { try await cloud.outboxCount == 0 }
                }
                // Two words were due; one task of the newest intent says both.
                #expect(box.tasks.map(\.generation) == [Generation(2)])
                #expect(box.tasks.first?.power == .absent)
                #expect(box.tasks.first?.uuid == machine.uuid)
            }
        }
    }

    @Test("Two relays on one outbox send every task, and of each machine at least one")
    func twoRelays() async throws {
        try await Cloud.with { cloud in
            try await withTemporaryVirtualHost { host in
                try await cloud.addNode("one", Resources(vcpus: 200, memoryMiB: 1 << 20, diskGiB: 10000))
                let box = Letterbox()
                let consumer = Task { await box.consume(host.configuration, queue: "gantry.node.one") }
                defer { consumer.cancel() }
                try await withServices([cloud.relay(to: host.configuration), otherRelay(cloud, host)]) {
                    for _ in 0..<4 { _ = try await cloud.lifecycle.create(cloud.request(count: 20)) }
                    try await eventually("all tasks arrive") { Set(box.tasks.map(\.uuid)).count == 80 }
                    try await eventually("the outbox is empty") { try await cloud.outboxCount == 0 }
                }
            }
        }
    }

    private func otherRelay(_ cloud: Cloud, _ host: TemporaryVirtualHost) -> OutboxRelay {
        OutboxRelay(
            database: Database(cloud.database.configuration),
            publisher: AMQPPublisher(host.configuration),
            outbox: OutboxSignal(),
            health: .init(),
            logger: Logger(label: "test"),
            pollInterval: .milliseconds(100)
        )
    }

    @Test("While the broker is away words wait; they go out when it is back, even if it lost all it had")
    func brokerAway() async throws {
        try await Cloud.with { cloud in
            try await withTemporaryVirtualHost { host in
                try await cloud.addNode("one")
                let health = Health()
                let box = Letterbox()
                let consumer = Task { await box.consume(host.configuration, queue: "gantry.node.one") }
                defer { consumer.cancel() }
                try await withServices([cloud.relay(to: host.configuration, health: health)]) {
                    _ = try await cloud.createOne()
                    try await eventually("the first task arrives") { box.tasks.count == 1 }
                    try await host.manage("DELETE", "vhosts/\(host.name)")
                    _ = try await cloud.lifecycle.create(cloud.request(count: 3))
                    try await eventually("the relay says that it cannot send") {
                        health.complaints.map(\.part) == ["rabbitmq"]
                    }
                    #expect(try await cloud.outboxCount == 3)
                    try await host.manage("PUT", "vhosts/\(host.name)")
                    try await host.manage(
                        "PUT",
                        "permissions/\(host.name)/gantry",
                        #"{"configure":".*","write":".*","read":".*"}"#
                    )
                    try await eventually("the outbox is empty") { try await cloud.outboxCount == 0 }
                    try await eventually("all tasks arrive") { Set(box.tasks.map(\.uuid)).count == 4 }
                    try await eventually("the relay is well") { health.complaints.isEmpty }
                }
            }
        }
    }

    @Test("A task whose queue cannot be declared ends among the dead letters, kept once with its reason")
    func unroutable() async throws {
        try await Cloud.with { cloud in
            try await withTemporaryVirtualHost { host in
                try await cloud.addNode("one")
                // A queue of that name with other arguments and without a binding.
                try await AMQPPublisher(host.configuration).declareQueue("gantry.node.one", arguments: [:])
                _ = try await cloud.createOne()
                let dead = DeadLetterStore(database: cloud.database)
                let consumer = DeadLetterConsumer(
                    database: cloud.database,
                    broker: host.configuration,
                    logger: Logger(label: "test")
                )
                try await withServices([cloud.relay(to: host.configuration), consumer]) {
                    try await eventually("the letter is kept") { try await dead.letters().count == 1 }
                }
                let letter = try #require(try await dead.letters().elements.first)
                #expect(letter.queue == "gantry.node.one")
                #expect(letter.reason == "unroutable")
                #expect(letter.body.contains("\"protocol_version\":1"))
                #expect(try await cloud.outboxCount == 0)
                #expect(try await dead.remove(letter.id))
            }
        }
    }

    @Test("A task that its node rejects is kept as a dead letter with the broker's reason")
    func rejected() async throws {
        try await Cloud.with { cloud in
            try await withTemporaryVirtualHost { host in
                try await cloud.addNode("one")
                _ = try await cloud.createOne()
                let box = Letterbox(.reject)
                let agent = Task { await box.consume(host.configuration, queue: "gantry.node.one") }
                defer { agent.cancel() }
                let dead = DeadLetterStore(database: cloud.database)
                let consumer = DeadLetterConsumer(
                    database: cloud.database,
                    broker: host.configuration,
                    logger: Logger(label: "test")
                )
                try await withServices([cloud.relay(to: host.configuration), consumer]) {
                    try await eventually("the letter is kept") { try await dead.letters().count == 1 }
                }
                let letter = try #require(try await dead.letters().elements.first)
                #expect(letter.queue == "gantry.node.one")
                #expect(letter.reason == "rejected")
            }
        }
    }

    @Test("What comes twice to the dead letters is kept once, whatever bytes it holds")
    func deadLetterOnce() async throws {
        try await Cloud.with { cloud in
            let dead = DeadLetterStore(database: cloud.database)
            let body = Data([0, 255, 34])
            let added = [
                try await dead.add(messageID: "m", queue: "q", reason: "r", body: body),
                try await dead.add(messageID: "m", queue: "q", reason: "r", body: body),
            ]
            #expect(added == [true, false])
            #expect(try await dead.letters().count == 1)
        }
    }
}
