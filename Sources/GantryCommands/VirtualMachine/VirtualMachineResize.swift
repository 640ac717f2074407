// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

struct VirtualMachineResize: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resize",
        abstract: "Give a machine that is off another flavor."
    )

    @OptionGroup var reference: MachineReference

    @Option(help: "The flavor's name.", completion: .flavors)
    var flavor: String

    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let machine = try await reference.find(client)
            let answer = try await client.resize(machine.id, to: flavor)
            connection.output.print(answer) { answer.message }
        }
    }
}
