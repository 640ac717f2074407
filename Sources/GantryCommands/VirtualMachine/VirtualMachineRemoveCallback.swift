// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

struct VirtualMachineRemoveCallback: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove-callback",
        abstract: "Have the changes of a machine's status posted no more."
    )

    @OptionGroup var reference: MachineReference
    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let answer = try await client.deleteCallback(of: .machine(try await reference.find(client).id))
            connection.output.print(answer) { answer.message }
        }
    }
}
