// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

struct FirewallRuleAdd: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "add", abstract: "Let something through.")

    @OptionGroup var reference: FirewallReference
    @OptionGroup var rule: RuleOptions
    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let firewall = try await reference.find(client)
            let added = try await client.addFirewallRule(rule.request, to: firewall.id)
            connection.output.print(added) { SecurityRuleBody.table([added]) }
        }
    }
}
