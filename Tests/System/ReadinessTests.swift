// SPDX-License-Identifier: Apache-2.0

import Foundation
import GantryTestSupport
import Testing

@Suite("A conductor says which part keeps it from its work", .serialized)
struct ReadinessTests {
    @Test("The database and the broker go away and come back; the program lives on", .timeLimit(.minutes(5)))
    func parts() async throws {
        try await ReadinessCloud.with { cloud in
            try await cloud.wait(forReady: true)
            for (door, part) in [(cloud.database, "postgresql"), (cloud.broker, "rabbitmq")] {
                try await door.close()
                let body = try await cloud.wait(forReady: false, saying: #""\#(part)":{"reason":"#)
                #expect(!body.contains(cloud.password), "\(body)")
                #expect(try await cloud.ask("healthz", cloud.conductor.statusPort).status == "200")
                // At the tenants' address it does not say why.
                let discreet = try await cloud.ask("readyz", cloud.conductor.port)
                #expect(discreet.status == "503" && discreet.body.contains(part), "\(discreet)")
                #expect(!discreet.body.contains("reason"), "\(discreet)")
                try await door.open()
                try await cloud.wait(forReady: true)
            }
        }
    }
}

/// A conductor whose ways to the database and the broker can be closed.
private struct ReadinessCloud {
    let conductor: TestConductor
    let database: ClosingDoor
    let broker: ClosingDoor
    /// The database's.
    let password: String

    static func with(_ body: (ReadinessCloud) async throws -> Void) async throws {
        let management = try await TestServices.shared.managementURL
        try await withTemporaryDirectory { folder in
            try await withTemporaryDatabaseURL { url in
                try await withTemporaryVirtualHost { host in
                    let cloud = try await ReadinessCloud(url, host.url, management, folder)
                    let result: Result<Void, any Error>
                    do {
                        try await cloud.conductor.start()
                        result = .success(try await body(cloud))
                    } catch {
                        result = .failure(error)
                    }
                    try await cloud.conductor.kill()
                    for door in [cloud.database, cloud.broker] { try await door.close() }
                    try result.get()
                }
            }
        }
    }

    private init(_ databaseURL: String, _ brokerURL: String, _ management: String, _ folder: String) async throws {
        database = try await ClosingDoor(to: databaseURL, in: folder)
        broker = try await ClosingDoor(to: brokerURL, in: folder)
        password = try #require(URL(string: databaseURL)?.password())
        conductor = try await TestConductor(
            environment: [
                "GANTRY_DATABASE_URL": database.url, "GANTRY_AMQP_URL": broker.url,
                "GANTRY_RABBITMQ_MANAGEMENT_URL": management,
            ],
            log: folder + "/conductor.log"
        )
    }

    /// What a probe answers.
    func ask(_ path: String, _ port: Int) async throws -> (status: String, body: String) {
        let answer = try await shell("curl", "-s", "-w", "%{http_code}", "http://127.0.0.1:\(port)/\(path)")
        return (String(answer.suffix(3)), String(answer.dropLast(3)))
    }

    /// Waits until it is ready, or ill and says so in these words.
    @discardableResult
    func wait(forReady ready: Bool, saying words: String = "") async throws -> String {
        try await eventually("it is \(ready ? "ready" : "ill: \(words)")") {
            let answer = try await ask("readyz", conductor.statusPort)
            guard answer.status == (ready ? "200" : "503") else { return nil }
            return ready || answer.body.contains(words) ? answer.body : nil
        }
    }
}
