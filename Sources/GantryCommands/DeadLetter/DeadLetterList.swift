// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

struct DeadLetterList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "List dead letters, newest first.")

    @OptionGroup var page: PageLimit
    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let found = try await client.deadLetters(limit: page.limit)
            connection.output.print(found) { Self.table(found) }
        }
    }

    private static func table(_ found: [DeadLetterBody]) -> String {
        var table = Table("ID", "QUEUE", "SINCE", "REASON")
        for each in found {
            table.add(
                "\(each.id)",
                each.queue,
                each.createdAt.words,
                each.reason
            )
        }
        return table.text
    }
}
