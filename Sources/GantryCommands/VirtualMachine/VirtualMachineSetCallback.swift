// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

struct VirtualMachineSetCallback: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "set-callback",
        abstract: "Have the changes of a machine's status posted to a URL.",
        discussion: "gantry callback list shows what was posted."
    )

    @OptionGroup var reference: MachineReference

    @Argument(help: "The URL, which leads to a public address.")
    var callbackURL: String

    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let machine = try await reference.find(client)
            let answer = try await client.setCallback(
                callbackURL,
                of: .machine(machine.id),
                insteadOf: machine.callbackURL
            )
            connection.output.print(answer) { answer.message }
        }
    }
}
