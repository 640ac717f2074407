// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

struct FirewallProtocols: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "protocols",
        abstract: "List the protocols that a rule may name."
    )

    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let found = try await client.securityRuleProtocols()
            connection.output.print(found) { found.joined(separator: "\n") }
        }
    }
}
