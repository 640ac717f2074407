// SPDX-License-Identifier: Apache-2.0

import Foundation
import GantryClient
import GantryTestSupport
import Logging
import Postgres
import SimulatedFleet

/// A cloud with a real conductor, database and broker, whose agents are on simulated hosts: for what needs no guest.
struct SimulatedCloud: MachineCloud {
    let conductor: TestConductor
    let database: Database
    let databaseURL: String
    let fleet: SimulatedFleet
    let folder: String
    /// An operator's key.
    let operatorKey: String

    var api: APIClient { conductor.api }

    /// `gantry`.
    static let program = Repository.path(".build/debug/gantry")

    /// Runs a test in a cloud whose nodes are `sim-0` and so on, and takes it away afterwards. Settings are the conductor's.
    static func with(
        nodes: Int = 1,
        nodesPerConnection: Int = 1,
        gpus: Int = 0,
        settings: [String: String] = [:],
        sharesPool: Bool = false,
        _ body: @Sendable @escaping (SimulatedCloud) async throws -> Void
    ) async throws {
        let image = try await TestImage.micro()
        try await withTemporaryDirectory { folder in
            try await withTemporaryDatabaseURL { url in
                try await withTemporaryVirtualHost { broker in
                    let management = try await TestServices.shared.managementURL
                    let environment = [
                        "GANTRY_DATABASE_URL": url, "GANTRY_AMQP_URL": broker.url,
                        "GANTRY_RABBITMQ_MANAGEMENT_URL": management,
                        "GANTRY_IMAGE_STORE_DIRECTORY": folder + "/images",
                    ]
                    let conductor = try await TestConductor(
                        environment: environment.merging(settings) { $1 },
                        log: folder + "/conductor.log"
                    )
                    let services = FleetServices(
                        databaseURL: url,
                        amqpURL: broker.url,
                        managementURL: management,
                        conductorURL: conductor.url
                    )
                    let fleet = try SimulatedFleet(
                        services,
                        region: "TestRegion",
                        directory: folder,
                        nodesPerConnection: nodesPerConnection,
                        gpus: gpus,
                        sharesPool: sharesPool,
                        logger: Logger(label: "fleet")
                    )
                    let result: Result<Void, any Error>
                    do {
                        try await conductor.start()
                        let database = Database(try DatabaseConfiguration(url: url, maximumConnections: 2))
                        _ = try await CloudData(conductor, database, image: image, folder: folder)
                        try await fleet.grow(to: nodes)
                        let key = try await conductor.command("operator", "create", "test")
                        let cloud = SimulatedCloud(
                            conductor: conductor,
                            database: database,
                            databaseURL: url,
                            fleet: fleet,
                            folder: folder,
                            operatorKey: key
                        )
                        result = .success(try await body(cloud))
                    } catch {
                        result = .failure(error)
                    }
                    try await fleet.stop()
                    try await conductor.kill()
                    try result.get()
                }
            }
        }
    }

    /// Runs a command line of `gantry`, without a shell.
    func gantry(
        _ arguments: [String],
        as key: String,
        environment: [String: String] = [:]
    ) async throws -> CommandOutput {
        let known = ["GANTRY_URL": conductor.url, "GANTRY_API_KEY": key]
        return try await run(
            Self.program,
            arguments,
            environment: known.merging(environment) { $1 }
        )
    }
}
