// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

struct VirtualMachineLog: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "log",
        abstract: "Show what a machine wrote to its serial console."
    )

    @OptionGroup var reference: MachineReference

    @Option(help: "How many lines, from the last one backwards.")
    var lines = 100

    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let machine = try await reference.find(client)
            let log = try await client.serialLog(of: machine.id, lines: lines)
            connection.output.print(["log": log]) { log.hasSuffix("\n") ? String(log.dropLast()) : log }
        }
    }
}
