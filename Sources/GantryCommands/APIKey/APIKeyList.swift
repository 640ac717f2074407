// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

struct APIKeyList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List API keys, oldest first; the keys themselves are nowhere any more.",
        discussion: "An owner's key lists those of all users of the organization."
    )

    @OptionGroup var owner: APIKeyOwner
    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let found = try await owner.keys(client)
            connection.output.print(found) { Self.table(found) }
        }
    }

    private static func table(_ found: [APIKeyBody]) -> String {
        var table = Table("ID", "NAME", "USER", "ROLE", "ENVIRONMENTS", "EXPIRES", "LAST USED")
        for each in found {
            table.add(
                "\(each.id)",
                each.name,
                each.user.name,
                each.role,
                each.environments?.joined(separator: ", ") ?? "all",
                each.expiresAt?.words ?? "never",
                each.lastUsedAt?.words ?? "never"
            )
        }
        return table.text
    }
}
