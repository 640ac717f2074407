// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import GantryClient
import GantryProtocol

struct NodeTokenList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "List tokens, newest first.")

    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let tokens = try await client.joinTokens()
            connection.output.print(tokens) { Self.table(tokens) }
        }
    }

    private static func table(_ tokens: [JoinTokenBody]) -> String {
        var table = Table("ID", "REGION", "HOST", "STATE", "NODE", "EXPIRES")
        for token in tokens {
            table.add(
                "\(token.id)",
                token.region,
                token.hostname ?? "any",
                token.state,
                token.node ?? "-",
                token.expiresAt.date.formatted(.iso8601)
            )
        }
        return table.text
    }
}
