// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

struct VirtualMachineLabel: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "label",
        abstract: "Put labels on a machine and take them off."
    )

    @OptionGroup var reference: MachineReference

    @Option(help: "A label to put on. May be given several times.")
    var add: [String] = []

    @Option(help: "A label to take off. May be given several times.")
    var remove: [String] = []

    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let machine = try await reference.find(client)
            let labels = machine.labels.filter { !remove.contains($0) && !add.contains($0) } + add
            let answer = try await client.setLabels(of: machine.id, to: labels)
            connection.output.print(answer) { answer.message }
        }
    }

    func validate() throws {
        guard !add.isEmpty || !remove.isEmpty else { throw ValidationError("Say what with --add or --remove.") }
    }
}
