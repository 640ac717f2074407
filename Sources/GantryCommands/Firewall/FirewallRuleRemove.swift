// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

struct FirewallRuleRemove: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "remove", abstract: "Take a rule away.")

    @OptionGroup var reference: FirewallReference

    @Argument(help: "The rule's id.")
    var rule: Int64

    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let firewall = try await reference.find(client)
            let answer = try await client.removeFirewallRule(rule, of: firewall.id)
            connection.output.print(answer) { answer.message }
        }
    }
}
