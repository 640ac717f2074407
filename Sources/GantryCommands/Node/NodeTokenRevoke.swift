// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

struct NodeTokenRevoke: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke",
        abstract: "Make a token good for nothing; the node that a host became with it stays."
    )

    @Argument(help: "The token's id, as `gantry node token list` shows it.")
    var id: Int64

    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let answer = try await client.revokeJoinToken(id)
            connection.output.print(answer.content) { answer.message }
        }
    }
}
