// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

struct VirtualMachineRuleList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "List a machine's own rules.")

    @OptionGroup var reference: MachineReference
    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let rules = try await reference.find(client).securityRules
            connection.output.print(rules) { SecurityRuleBody.table(rules) }
        }
    }
}
