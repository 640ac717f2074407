// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

struct VirtualMachineDelete: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete",
        abstract: "Delete a machine with its disk, whatever its state."
    )

    @OptionGroup var reference: MachineReference
    @OptionGroup var wait: Wait
    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let machine = try await reference.find(client)
            let answer = try await client.deleteInstance(machine.id)
            try await wait.followToItsEnd(machine, client)
            connection.output.print(answer) { wait.wait ? "\(machine.name) is gone." : answer.message }
        }
    }
}
