// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import AsyncHTTPClient
import Foundation
import GantryModel
import Logging
import SimulatedFleet

struct ConductorBenchmark: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "conductor",
        abstract: "Creates and deletes machines a second, with simulated nodes on the real protocol.",
        discussion: "The services are those of GANTRY_DATABASE_URL, GANTRY_AMQP_URL, GANTRY_RABBITMQ_MANAGEMENT_URL."
    )

    @Option(help: "The folder of the services, to find their processes.")
    var services: String

    @Option(help: "A folder for logs and the simulated nodes' journals, in memory for preference.")
    var directory: String

    @Option(parsing: .upToNextOption, help: "Numbers of nodes to measure with, rising.")
    var nodes: [Int] = [10, 100, 1000]

    @Option(help: "Clients, each of which waits for its machine before the next.")
    var clients = 16

    @Option(help: "Machines for each measurement, 1000 at most: TestEnv's network has no more addresses.")
    var machines = 1000

    @Option(help: "Creates one at a time, before the others.")
    var alone = 20

    @Option(help: "Simulated nodes that share a connection to RabbitMQ. With 1 each has its own, as its own user.")
    var nodesPerConnection = 1

    @Option(help: "Seconds between a node's reports (the conductor's default is 10).")
    var reportInterval = 10

    /// How long the nodes are watched while nobody asks for anything.
    static let quietSeconds = 10

    func run() async throws {
        let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: Self.clientConfiguration)
        do {
            try await measure(client)
        } catch {
            try await client.shutdown()
            throw error
        }
        try await client.shutdown()
    }

    private static var clientConfiguration: HTTPClient.Configuration {
        var configuration = HTTPClient.Configuration()
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 64
        return configuration
    }

    private func measure(_ client: HTTPClient) async throws {
        let processes = try ServiceProcesses(directory: services)
        try await ConductorChild.seed(floatingIPPool: "198.18.0.0/20")
        let conductor = try await ConductorChild.start(
            client,
            directory: directory,
            settings: ["GANTRY_NODE_REPORT_INTERVAL": "\(reportInterval)"]
        )
        var logger = Logger(label: "fleet")
        logger.logLevel = .error
        let fleet = try SimulatedFleet(
            try FleetServices(conductorURL: conductor.url),
            region: "TestRegion",
            directory: "\(directory)/journals",
            nodesPerConnection: nodesPerConnection,
            logger: logger
        )
        do {
            try await measure(client, conductor, fleet, processes)
        } catch {
            try await fleet.stop()
            await conductor.child.stop()
            throw error
        }
        try await fleet.stop()
        await conductor.child.stop()
    }

    private func measure(
        _ client: HTTPClient,
        _ conductor: ConductorChild,
        _ fleet: SimulatedFleet,
        _ processes: ServiceProcesses
    ) async throws {
        let api = API(client: client, url: conductor.url)
        var report = ConductorReport()
        for count in nodes {
            let begin = ContinuousClock.now
            try await fleet.grow(to: count)
            progress(
                "\(count) nodes registered and reporting after \((ContinuousClock.now - begin).milliseconds.text(0)) ms"
            )
            let one = MachineLoad(api: api, watch: fleet.watch, clients: 1)
            let many = MachineLoad(api: api, watch: fleet.watch, clients: clients)
            // Connections, prepared statements and caches are there before anything is measured.
            _ = try await many.delete(try await many.create(64).machines)
            let single = try await one.create(alone)
            _ = try await one.delete(single.machines)
            let quiet = CPUAccount(conductor: conductor.child.pid, services: processes)
            try await Task.sleep(for: .seconds(Self.quietSeconds))
            report.add(nodes: count, quiet: CPUAccount(conductor: conductor.child.pid, services: processes) - quiet)
            let before = CPUAccount(conductor: conductor.child.pid, services: processes)
            let created = try await many.create(machines)
            let between = CPUAccount(conductor: conductor.child.pid, services: processes)
            try await check(api, created.machines)
            let start = CPUAccount(conductor: conductor.child.pid, services: processes)
            let deleted = try await many.delete(created.machines)
            let after = CPUAccount(conductor: conductor.child.pid, services: processes)
            try await checkGone(api, created.machines)
            report.add(nodes: count, single)
            report.add(nodes: count, "create", created, between - before)
            report.add(nodes: count, "delete", deleted, after - start)
            progress("\(created.perSecond.text(0)) creates and \(deleted.perSecond.text(0)) deletes a second")
        }
        print(report.text)
    }

    /// The watch has seen all of them run; a sample of them, asked for over the API, has to be ACTIVE.
    private func check(_ api: API, _ machines: [VirtualMachineID]) async throws {
        for machine in machines.shuffled().prefix(20) {
            let status = try await api.machine(machine.rawValue)?.status
            guard status == "ACTIVE" else { throw Trouble("machine \(machine) is \(status ?? "gone")") }
        }
    }

    private func checkGone(_ api: API, _ machines: [VirtualMachineID]) async throws {
        for machine in machines.shuffled().prefix(20) {
            if let status = try await api.machine(machine.rawValue)?.status {
                throw Trouble("machine \(machine) is \(status)")
            }
        }
    }
}

/// Says how far it is, beside the tables.
func progress(_ text: String) {
    FileHandle.standardError.write(Data("    \(text)\n".utf8))
}
