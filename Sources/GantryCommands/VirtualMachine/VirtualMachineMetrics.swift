// SPDX-License-Identifier: Apache-2.0

public import ArgumentParser
import Foundation
import GantryClient
public import GantryProtocol

struct VirtualMachineMetrics: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "metrics",
        abstract: "Show what a machine used.",
        discussion: "Values that count begin anew when the machine is started."
    )

    @OptionGroup var reference: MachineReference

    @Option(help: "How far back.")
    var duration = MetricDuration.hour

    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let machine = try await reference.find(client)
            let metrics = try await client.metrics(of: machine.id, back: duration)
            connection.output.print(metrics) { Self.table(metrics) }
        }
    }

    private static func table(_ metrics: InstanceMetrics) -> String {
        let series = [
            metrics.cpu, metrics.memory, metrics.networkIn, metrics.networkOut, metrics.diskRead, metrics.diskWrite,
        ]
        var table = Table("TIME", "CPU", "MEMORY", "NET IN", "NET OUT", "DISK READ", "DISK WRITE")
        table.add("", series.map(\.unit))
        let values = series.map { Dictionary($0.data.map { ($0.time, $0.value) }) { $1 } }
        for time in Set(values.flatMap(\.keys)).sorted() {
            table.add(Timestamp(time).words, values.map { $0[time].map { "\($0)" } ?? "-" })
        }
        return table.text
    }
}

extension MetricDuration: ExpressibleByArgument {}
