// SPDX-License-Identifier: Apache-2.0

import AMQP
import Foundation
import GantryTestSupport
import Postgres
import Synchronization
import Testing

@Suite("PostgreSQL and RabbitMQ over TLS", .serialized)
struct ServiceTLSTests {
    private static let script = Repository.path("Packaging/dev/services")

    @Test("The right authority is enough; another one, another name and an expired certificate are refused in words")
    func certificates() async throws {
        try await withTemporaryDirectory { folder in
            for name in ["own", "other"] {
                try FileManager.default.createDirectory(atPath: "\(folder)/\(name)", withIntermediateDirectories: false)
            }
            // Both run as users of their own, who read what is theirs only.
            try await shell("chmod", "755", folder)
            let (own, other) = (folder + "/own", folder + "/other")
            let authority = try await TestAuthority(in: own)
            let stranger = try await TestAuthority(in: other)
            _ = try await authority.certificate(names: "DNS:localhost")
            let state = folder + "/services"
            let watch = try ExitWatch(Self.script, "down", state)
            let result: Result<Void, any Error>
            do {
                try await shell(Self.script, "up", state, "--no-fsync", "--tls", own)
                let services = try TestServices(folder: state)
                try await works(services, authority)
                try await refuses(services, stranger, "another authority")
                // What is at 127.0.0.1 shows a certificate for localhost.
                try await refuses(services, authority, "another name", host: "127.0.0.1")
                _ = try await authority.certificate(names: "DNS:localhost", days: -1)
                for user in ["postgres", "rabbitmq"] {
                    for file in ["server.pem", "server.key"] {
                        try await shell("install", "-m", "600", "\(own)/\(file)", "\(state)/\(user)/\(file)")
                        if getuid() == 0 { try await shell("chown", "\(user):", "\(state)/\(user)/\(file)") }
                    }
                }
                try await shell(Self.script, "restart-postgres", state)
                try await shell(Self.script, "restart-rabbitmq", state)
                try await refuses(services, authority, "expired")
                result = .success(())
            } catch {
                result = .failure(error)
            }
            try await shell(Self.script, "down", state)
            withExtendedLifetime(watch) {}
            try result.get()
        }
    }

    private func works(_ services: TestServices, _ authority: TestAuthority) async throws {
        let database = Database(try DatabaseConfiguration(url: services.databaseURL))
        let rows = try await database.read { try $0.query("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()") }
        #expect(try rows.first?["ssl"] == true)

        var broker = try AMQPConfiguration(url: services.amqpURL)
        broker.authorities = authority.path
        let publisher = AMQPPublisher(broker)
        try await publisher.declareExchange("tasks", type: "direct")
        try await publisher.declareQueue("q", arguments: [:])
        try await publisher.bindQueue("q", to: "tasks", routingKey: "q")
        // More than one record of TLS, so that what the library has read ahead is looked at too.
        let messages = (0..<300)
            .map {
                AMQPMessage(exchange: "tasks", routingKey: "q", id: "\($0)", body: Data(repeating: 0x20, count: 5000))
            }
        #expect(try await publisher.publish(messages).allSatisfy { $0 == .confirmed })
        await publisher.close()
        let seen = Seen()
        let consumer = AMQPConsumer(broker, queues: ["q"], prefetch: 50)
        let task = Task { await consumer.run { seen.take($0) } }
        try await eventually("all arrive") { seen.count == 300 }
        task.cancel()
        await task.value
    }

    private func refuses(
        _ services: TestServices,
        _ authority: TestAuthority,
        _ what: String,
        host: String = "localhost"
    ) async throws {
        let parts = services.databaseURL.split(separator: "&sslrootcert=")
        let url = parts[0].replacing("@localhost:", with: "@\(host):") + "&sslrootcert=" + authority.path
        let database = Database(try DatabaseConfiguration(url: url))
        let refusal = await #expect(throws: PostgresError.self) { try await database.read { try $0.query("SELECT 1") } }
        let words = what == "another name" ? "does not match host name" : "certificate verify failed"
        #expect(refusal?.description.contains(words) == true, "\(what): \(refusal as Any)")

        var broker = try AMQPConfiguration(url: services.amqpURL)
        (broker.host, broker.authorities) = (host, authority.path)
        let error = await #expect(throws: AMQPError.self) {
            try await AMQPPublisher(broker).declareQueue("q", arguments: [:])
        }
        let said = what == "another name" ? "is for another name than 127.0.0.1" : "has expired, or is not from"
        #expect(error?.message.contains(said) == true, "\(what): \(error as Any)")
    }
}

/// The messages that have come.
private final class Seen: Sendable {
    private let ids = Mutex<Set<String>>([])
    var count: Int { ids.withLock { $0.count } }

    func take(_ delivery: AMQPDelivery) -> AMQPDisposition {
        ids.withLock { _ = $0.insert(delivery.messageID) }
        return .acknowledge
    }
}
