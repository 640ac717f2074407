// SPDX-License-Identifier: Apache-2.0

import Foundation

/// The processor time that each of the parts has used, in seconds.
struct CPUAccount: Sendable {
    var conductor: Double
    var postgres: Double
    var rabbitMQ: Double
    /// This process: clients and simulated nodes.
    var load: Double

    /// As of now.
    init(conductor pid: Int32, services: ServiceProcesses) {
        conductor = ProcessTable.cpuSeconds(pid) ?? 0
        postgres = ProcessTable.cpuSeconds(ofTree: services.postgres)
        rabbitMQ = ProcessTable.cpuSeconds(services.rabbitMQ) ?? 0
        load = ProcessTable.cpuSeconds(getpid()) ?? 0
    }

    static func - (after: CPUAccount, before: CPUAccount) -> CPUAccount {
        var difference = after
        difference.conductor -= before.conductor
        difference.postgres -= before.postgres
        difference.rabbitMQ -= before.rabbitMQ
        difference.load -= before.load
        return difference
    }
}

/// Where PostgreSQL and RabbitMQ run, as the services' folder tells.
struct ServiceProcesses: Sendable {
    let postgres: Int32
    let rabbitMQ: Int32

    /// - Parameter directory: the folder that `Packaging/dev/services` works in.
    /// - Throws: when they do not run there.
    init(directory: String) throws {
        postgres = try Self.pid("\(directory)/postgres/data/postmaster.pid")
        rabbitMQ = try Self.pid("\(directory)/rabbitmq/pid")
    }

    private static func pid(_ path: String) throws -> Int32 {
        let text = try String(contentsOfFile: path, encoding: .utf8)
        guard let pid = text.split(separator: "\n").first.flatMap({ Int32($0) }) else {
            throw Trouble("\(path) holds no process id.")
        }
        return pid
    }
}

/// Why a benchmark cannot go on, in words.
struct Trouble: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}
