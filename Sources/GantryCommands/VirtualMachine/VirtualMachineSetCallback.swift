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
            let owner = CallbackOwner.machine(machine.id)
            let hadOne = machine.callbackURL != nil
            let answer =
                if hadOne {
                    try await client.updateCallback(callbackURL, of: owner)
                } else {
                    try await client.attachCallback(callbackURL, to: owner)
                }
            connection.output.print(answer) { answer.message }
        }
    }
}
