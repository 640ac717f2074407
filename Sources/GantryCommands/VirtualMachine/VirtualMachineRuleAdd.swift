// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

struct VirtualMachineRuleAdd: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "add", abstract: "Let something through.")

    @OptionGroup var reference: MachineReference
    @OptionGroup var rule: RuleOptions
    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let machine = try await reference.find(client)
            let added = try await client.addSecurityRule(rule.request, to: machine.id)
            connection.output.print(added) { SecurityRuleBody.table([added]) }
        }
    }
}
