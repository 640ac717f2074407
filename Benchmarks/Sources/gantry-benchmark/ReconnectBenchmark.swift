// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import AsyncHTTPClient
import Foundation
import GantryModel
import Logging
import SimulatedFleet

struct ReconnectBenchmark: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reconnect",
        abstract: "Ends a conductor that many simulated nodes report to, starts it again, and watches them come back.",
        discussion: "The services are those of GANTRY_DATABASE_URL, GANTRY_AMQP_URL, GANTRY_RABBITMQ_MANAGEMENT_URL."
    )

    @Option(help: "The folder of the services, to find their processes.")
    var services: String

    @Option(help: "A folder for logs and the simulated nodes' journals, in memory for preference.")
    var directory: String

    @Option(help: "How many nodes.")
    var nodes = 2000

    @Option(help: "Simulated nodes that share a connection to RabbitMQ. With 1 each has its own, as its own user.")
    var nodesPerConnection = 100

    @Option(help: "Seconds without a conductor.")
    var outage = 30

    @Option(help: "Seconds that are watched each time.")
    var window = 60

    func run() async throws {
        let client = HTTPClient(eventLoopGroupProvider: .singleton)
        do {
            try await measure(client)
        } catch {
            try await client.shutdown()
            throw error
        }
        try await client.shutdown()
    }

    private func measure(_ client: HTTPClient) async throws {
        try await ConductorChild.seed(floatingIPPool: "198.51.100.128/26")
        var conductor = try await ConductorChild.start(client, directory: directory)
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
            try await measure(client, &conductor, fleet)
        } catch {
            try await fleet.stop()
            await conductor.child.stop()
            throw error
        }
        try await fleet.stop()
        await conductor.child.stop()
    }

    private func measure(_ client: HTTPClient, _ conductor: inout ConductorChild, _ fleet: SimulatedFleet) async throws
    {
        try await fleet.grow(to: nodes)
        progress("\(nodes) nodes report; nobody disturbs them")
        var table = ResultTable(
            "",
            "requests",
            "a second, mean",
            "highest",
            "all back after",
            "not taken",
            "statuses but 2xx and 304",
            "conductor's processor",
            "its memory"
        )
        var phase = Phase("quiet", conductor, ProcessTable.cpuSeconds(conductor.child.pid) ?? 0)
        try await Task.sleep(for: .seconds(window))
        try await add(phase, to: &table, client, fleet)

        progress("the conductor is gone for \(outage) seconds")
        await conductor.child.end()
        try await Task.sleep(for: .seconds(outage))
        conductor = try await ConductorChild.start(client, directory: directory, insteadOf: conductor)
        phase = Phase("conductor back after \(outage) s", conductor, 0)
        try await Task.sleep(for: .seconds(window))
        try await add(phase, to: &table, client, fleet)

        progress("all agents start anew in one moment")
        // The statuses are counted from the start of the conductor's process.
        await conductor.child.stop()
        conductor = try await ConductorChild.start(client, directory: directory, insteadOf: conductor)
        phase = Phase("all agents start at once", conductor, ProcessTable.cpuSeconds(conductor.child.pid) ?? 0)
        try await fleet.restart()
        try await Task.sleep(for: .seconds(window))
        try await add(phase, to: &table, client, fleet)
        print(table.text)
    }

    private struct Phase {
        let name: String
        let conductor: ConductorChild
        let processor: Double
        let begin = ContinuousClock.now

        init(_ name: String, _ conductor: ConductorChild, _ processor: Double) {
            (self.name, self.conductor, self.processor) = (name, conductor, processor)
        }
    }

    private func add(
        _ phase: Phase,
        to table: inout ResultTable,
        _ client: HTTPClient,
        _ fleet: SimulatedFleet
    ) async throws {
        let entries = fleet.requests.entries(since: phase.begin)
        let arrivals = Dictionary(grouping: entries) { Int(($0.begin - phase.begin) / .seconds(1)) }.mapValues(\.count)
        let back = Self.allBack(entries, nodes).map { "\((($0 - phase.begin) / .seconds(1)).text(1)) s" } ?? "not all"
        let pid = phase.conductor.child.pid
        let processor = (ProcessTable.cpuSeconds(pid) ?? 0) - phase.processor
        table.add(
            phase.name,
            "\(entries.count)",
            (Double(entries.count) / Double(window)).text(0),
            "\(arrivals.values.max() ?? 0)",
            back,
            "\(entries.count { !$0.isTaken })",
            try await statuses(phase.conductor, client),
            "\((processor / Double(window) * 1000).text(0)) ms a second",
            "\((ProcessTable.memoryMiB(pid)?.resident ?? 0).text(0)) MiB"
        )
        progress("arrivals in each second: \((0..<window).map { "\(arrivals[$0] ?? 0)" }.joined(separator: " "))")
    }

    /// When the last of the nodes was first answered; nil while one was not.
    private static func allBack(_ entries: [RequestLog.Entry], _ nodes: Int) -> ContinuousClock.Instant? {
        var first: [NodeName: ContinuousClock.Instant] = [:]
        for entry in entries where entry.isTaken && first[entry.node] == nil { first[entry.node] = entry.end }
        return first.count == nodes ? first.values.max() : nil
    }

    /// What the conductor counted of agents' requests, by status.
    private func statuses(_ conductor: ConductorChild, _ client: HTTPClient) async throws -> String {
        let answer = try await client.get(url: "http://127.0.0.1:\(conductor.statusPort)/metrics").get()
        let text = answer.body.map { String(buffer: $0) } ?? ""
        let odd = text.split(separator: "\n")
            .filter { line in
                line.hasPrefix("hb_requests_total{") && line.contains("/v1/internal/")
                    && !line.contains("status_code=\"2")
                    && !line.contains("status_code=\"304")
            }
        return odd.isEmpty ? "none" : odd.joined(separator: " ")
    }
}
