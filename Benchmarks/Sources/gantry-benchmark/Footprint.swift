// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import AsyncHTTPClient
import Foundation

struct Footprint: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Resident memory of an idle conductor and agent, and the time from a process's start to ready."
    )

    @OptionGroup var options: HostOptions

    @Option(help: "How often each program is started.")
    var starts = 5

    @Option(help: "Seconds that a program does nothing before its memory is read.")
    var idle = 15

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
        let (conductor, conductorStarts) = try await startConductor(client)
        do {
            let host = try await HostAgent(options, conductor: conductor)
            let (agent, agentStarts) = try await startAgent(host)
            progress("idle for \(idle) seconds")
            try await Task.sleep(for: .seconds(idle))
            var table = ResultTable("program", "idle, resident", "of it its own", "start to ready, median", "highest")
            table.add(conductor.child.pid, "conductor", conductorStarts)
            table.add(agent.pid, "agent", agentStarts)
            print(table.text)
            await agent.stop()
        } catch {
            await conductor.child.stop()
            throw error
        }
        await conductor.child.stop()
    }

    /// Starts one several times; the last one stays.
    private func startConductor(_ client: HTTPClient) async throws -> (ConductorChild, [Duration]) {
        var conductor = try await ConductorChild.start(client, directory: options.directory)
        var durations = [conductor.startup]
        while durations.count < starts {
            await conductor.child.stop()
            conductor = try await ConductorChild.start(client, directory: options.directory)
            durations.append(conductor.startup)
        }
        return (conductor, durations)
    }

    private func startAgent(_ host: HostAgent) async throws -> (Child, [Duration]) {
        var (agent, startup) = try await host.start()
        var durations = [startup]
        while durations.count < starts {
            await agent.stop()
            (agent, startup) = try await host.start()
            durations.append(startup)
        }
        return (agent, durations)
    }
}

extension ResultTable {
    fileprivate mutating func add(_ pid: Int32, _ name: String, _ starts: [Duration]) {
        let times = starts.map(\.milliseconds)
        let memory = ProcessTable.memoryMiB(pid) ?? (0, 0)
        add(
            name,
            "\(memory.resident.text(1)) MiB",
            "\(memory.own.text(1)) MiB",
            "\((median(times) ?? 0).text(0)) ms",
            "\((times.max() ?? 0).text(0)) ms"
        )
    }
}
