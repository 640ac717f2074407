// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

struct VirtualMachineEnhancedMetrics: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "enhanced-metrics",
        abstract: "Keep each minute's metrics of a machine for a week, rather than for a day."
    )

    @OptionGroup var reference: MachineReference

    @Flag(help: "For a day, as usual.")
    var off = false

    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let machine = try await reference.find(client)
            let answer = try await client.setEnhancedMetrics(of: machine.id, to: !off)
            connection.output.print(answer) { answer.message }
        }
    }
}
