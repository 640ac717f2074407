// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import AsyncHTTPClient
import Foundation

struct ListBenchmark: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "The first page of a tenant's machines, by how many there are.",
        discussion: "The services are those of GANTRY_DATABASE_URL, GANTRY_AMQP_URL, GANTRY_RABBITMQ_MANAGEMENT_URL."
    )

    @Option(help: "The folder of the services, to read PostgreSQL's log.")
    var services: String

    @Option(help: "A folder for logs.")
    var directory: String

    @Option(parsing: .upToNextOption, help: "Numbers of machines to measure with, rising.")
    var machines: [Int] = [10, 1000, 10_000]

    @Option(parsing: .upToNextOption, help: "Sizes of the page.")
    var pageSizes: [Int] = [10, 100]

    @Option(help: "Requests for each measurement, one after the other.")
    var requests = 300

    /// Requests whose statements are counted.
    private static let counted = 20

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
        guard let url = ProcessInfo.processInfo.environment["GANTRY_DATABASE_URL"] else {
            throw Trouble("GANTRY_DATABASE_URL is not set.")
        }
        try await ConductorChild.seed(floatingIPPool: "198.18.0.0/28")
        let conductor = try await ConductorChild.start(client, directory: directory)
        // Writing down each statement takes time, so another one is asked for those.
        let talkative = try await ConductorChild.start(
            client,
            directory: directory,
            settings: ["GANTRY_DATABASE_URL": StatementLog.logging(url)]
        )
        do {
            let (timed, counted) = (API(client: client, url: conductor.url), API(client: client, url: talkative.url))
            try await measure(timed, counted, try MachineStock(url))
        } catch {
            for child in [conductor.child, talkative.child] { await child.stop() }
            throw error
        }
        for child in [conductor.child, talkative.child] { await child.stop() }
    }

    private func measure(_ timed: API, _ counted: API, _ stock: MachineStock) async throws {
        var table = ResultTable("machines", "page", "answered, median", "p99", "SQL statements")
        let log = StatementLog(services: services)
        for count in machines {
            try await stock.grow(to: count)
            for size in pageSizes {
                // Connections, prepared statements and caches are there before anything is measured.
                for api in [timed, counted] { for _ in 0..<20 { try await list(api, size, of: count) } }
                var latencies = Latencies()
                for _ in 0..<requests {
                    let begin = ContinuousClock.now
                    try await list(timed, size, of: count)
                    latencies.record(ContinuousClock.now - begin)
                }
                // The median, since a conductor's other duties run beside.
                var statements: [Double] = []
                for _ in 0..<Self.counted {
                    let before = try log.count()
                    try await list(counted, size, of: count)
                    statements.append(Double(try log.count() - before))
                }
                table.add(
                    "\(count)",
                    "\(size)",
                    "\(latencies.percentile(50).text(1)) ms",
                    "\(latencies.percentile(99).text(1)) ms",
                    "\((median(statements) ?? 0).text(0))"
                )
            }
            progress("\(count) machines measured")
        }
        print(table.text)
    }

    private func list(_ api: API, _ size: Int, of count: Int) async throws {
        let page = try await api.machines(pageSize: size)
        guard page.count == count, page.instances.count == min(size, count) else {
            throw Trouble("\(page.instances.count) of \(page.count) machines were listed, not \(size) of \(count)")
        }
    }
}
