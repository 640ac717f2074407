// SPDX-License-Identifier: Apache-2.0

import Foundation
import Synchronization

/// PostgreSQL and RabbitMQ for the tests of one process, started when the first test asks.
///
/// They go with it. With `GANTRY_TEST_SERVICES` naming a folder that `Packaging/dev/services up` filled, those are used.
package struct TestServices: Sendable {
    package let databaseURL: String
    package let amqpURL: String
    package let managementURL: String
    /// The folder that the services script works in.
    package let folder: String

    /// The process's services.
    package static var shared: TestServices {
        get async throws { try await starting.value }
    }

    private static let starting = Task { try await start() }

    private static func start() async throws -> TestServices {
        if let folder = ProcessInfo.processInfo.environment["GANTRY_TEST_SERVICES"] {
            return try TestServices(folder: folder)
        }
        let folder = "/tmp/gantry-test-services-\(ProcessInfo.processInfo.processIdentifier)"
        let script = Repository.path("Packaging/dev/services")
        let watch = try ExitWatch(script, "down", folder)
        Self.watch.withLock { $0 = watch }
        try await shell(script, "up", folder, "--no-fsync")
        return try TestServices(folder: folder)
    }

    /// Restarts the broker. All tests of the process share it, so this is for those that run alone.
    package func restartRabbitMQ() async throws {
        try await shell(Repository.path("Packaging/dev/services"), "restart-rabbitmq", folder)
    }

    /// The services that the script started in a folder.
    package init(folder: String) throws {
        let text = try String(contentsOfFile: folder + "/services.env", encoding: .utf8)
        let lines = text.split(separator: "\n")
            .compactMap { line -> (String, String)? in
                let parts = line.split(separator: "=", maxSplits: 1).map(String.init)
                return parts.count == 2 ? (parts[0], parts[1]) : nil
            }
        let values = Dictionary(uniqueKeysWithValues: lines)
        func value(_ name: String) throws -> String {
            guard let value = values[name] else { throw CommandFailure(description: "\(folder) has no \(name)") }
            return value
        }
        self.folder = folder
        databaseURL = try value("GANTRY_DATABASE_URL")
        amqpURL = try value("GANTRY_AMQP_URL")
        managementURL = try value("GANTRY_RABBITMQ_MANAGEMENT_URL")
    }

    private static let watch = Mutex<ExitWatch?>(nil)
}
