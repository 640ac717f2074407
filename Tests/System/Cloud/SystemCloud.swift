// SPDX-License-Identifier: Apache-2.0

import AMQP
import Foundation
import GantryTestSupport
import Postgres

/// A whole cloud on this machine: conductors on one database, hosts in namespaces with an agent each, and a network
/// outside of them from which guests are reached. Every program of ours runs as a process of its own.
struct SystemCloud: Sendable {
    let conductors: [TestConductor]
    let hosts: [TestHost]
    let image: TestImage
    let data: CloudData
    let database: Database
    let broker: TemporaryVirtualHost
    /// The namespace outside the hosts, where clients are.
    let outside: String
    let folder: String

    /// Runs a test in a cloud with some hosts, and takes all of it away afterwards. The API's `TestImage` is the given
    /// image, without it the micro one. Conductors' settings are environment variables beside the usual ones.
    static func with(
        hosts count: Int = 1,
        image: TestImage? = nil,
        conductorSettings: [String: String] = [:],
        _ body: @Sendable @escaping (SystemCloud) async throws -> Void
    ) async throws {
        let image = if let image { image } else { try await TestImage.micro() }
        try await withTemporaryDirectory { folder in
            try await withTemporaryDatabaseURL { url in
                try await withTemporaryVirtualHost { broker in
                    let network = try OutsideNetwork(hosts: count, folder: folder)
                    let conductors = try await makeConductors(url, broker, conductorSettings, folder)
                    let result: Result<Void, any Error>
                    do {
                        for conductor in conductors { try await conductor.start() }
                        try await network.up(forwarding: conductors.map(\.port) + [broker.configuration.port])
                        let cloud = try await SystemCloud(conductors, network, image, url, broker, folder)
                        result = .success(try await body(cloud))
                    } catch {
                        result = .failure(error)
                        for host in network.hosts { print(host.log.suffix(40).joined(separator: "\n")) }
                    }
                    try await network.down()
                    for conductor in conductors { try await conductor.kill() }
                    try result.get()
                }
            }
        }
    }

    private static func makeConductors(
        _ databaseURL: String,
        _ broker: TemporaryVirtualHost,
        _ settings: [String: String],
        _ folder: String
    ) async throws -> [TestConductor] {
        let environment = [
            "GANTRY_DATABASE_URL": databaseURL, "GANTRY_AMQP_URL": broker.url,
            "GANTRY_RABBITMQ_MANAGEMENT_URL": try await TestServices.shared.managementURL,
        ]
        .merging(settings) { $1 }
        return [
            try await TestConductor(environment: environment, log: folder + "/conductor0.log"),
            try await TestConductor(environment: environment, log: folder + "/conductor1.log"),
        ]
    }

    private init(
        _ conductors: [TestConductor],
        _ network: OutsideNetwork,
        _ image: TestImage,
        _ databaseURL: String,
        _ broker: TemporaryVirtualHost,
        _ folder: String
    ) async throws {
        (self.conductors, hosts, outside) = (conductors, network.hosts, network.name)
        (self.image, self.broker, self.folder) = (image, broker, folder)
        database = Database(try DatabaseConfiguration(url: databaseURL, maximumConnections: 2))
        data = try await CloudData(conductors[0], database, image: image, folder: folder)
        try await makeNodes()
    }

    private static let agent = Repository.path(".build/debug/gantry-agent")

    /// Makes each host a node, with room for many small guests.
    private func makeNodes() async throws {
        for (index, host) in hosts.enumerated() {
            try await host.exec(
                Self.agent,
                "join",
                "--conductor",
                conductors[index % conductors.count].url,
                "--token",
                try await conductors[0].joinToken(),
                "--name",
                "node-\(index)",
                "--config",
                host.folder + "/agent.yaml"
            )
        }
        try await database.transaction { transaction in
            try transaction.execute("UPDATE compute_node SET vcpu_ratio = 64, memory_ratio = 8, disk_ratio = 64")
        }
    }

    /// Starts the agent of a host; each host's talks to another conductor. Settings are environment variables beside the
    /// usual ones.
    func startAgent(_ index: Int = 0, _ settings: [String: String] = [:]) throws -> ProgramProcess {
        let host = hosts[index]
        let usual = [
            "GANTRY_STATE_DIRECTORY": host.agentFolder, "GANTRY_VIRT_TYPE": "qemu", "GANTRY_UPLINK": "uplink",
            "GANTRY_RESERVED_DISK_GIB": "1", "GANTRY_LOG_LEVEL": "debug",
        ]
        return try ProgramProcess(
            host.entry + [
                Self.agent, "run", "--config", host.folder + "/agent.yaml",
            ],
            environment: usual.merging(settings) { $1 },
            log: host.folder + "/agent.log"
        )
    }

    /// Runs a command outside the hosts, where clients are.
    func outside(_ arguments: String...) async throws -> CommandOutput {
        try await run("ip", ["netns", "exec", outside] + arguments)
    }
}
