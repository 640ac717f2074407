// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

struct VirtualMachineRuleRemove: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "remove", abstract: "Take a rule away.")

    @OptionGroup var reference: MachineReference

    @Argument(help: "The rule's id.")
    var rule: Int64

    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let machine = try await reference.find(client)
            let answer = try await client.removeSecurityRule(rule, of: machine.id)
            connection.output.print(answer) { answer.message }
        }
    }
}
