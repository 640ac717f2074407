// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

struct FirewallDelete: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete",
        abstract: "Delete a firewall; its machines lose its rules."
    )

    @OptionGroup var reference: FirewallReference
    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let answer = try await client.deleteFirewall(try await reference.find(client).id)
            connection.output.print(answer) { answer.message }
        }
    }
}
