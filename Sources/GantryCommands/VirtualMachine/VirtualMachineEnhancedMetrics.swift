// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

struct VirtualMachineEnhancedMetrics: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "enhanced-metrics",
        abstract: "Keep each minute's metrics of a machine for a week, or for a day as usual."
    )

    @OptionGroup var reference: MachineReference

    @Flag(inversion: .prefixedEnableDisable, help: "Whether for a week.")
    var week: Bool

    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let machine = try await reference.find(client)
            let answer = try await client.setEnhancedMetrics(of: machine.id, to: week)
            connection.output.print(answer) { answer.message }
        }
    }
}
