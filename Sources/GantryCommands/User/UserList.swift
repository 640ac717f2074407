// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

struct UserList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List users, operators among them, oldest first."
    )

    @Option(help: "Only those with this in their name.")
    var search: String?

    @OptionGroup var owner: OrganizationOption
    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let found = try await client.users(search: search, organization: try await owner.find(client)?.id)
            connection.output.print(found) { Self.table(found) }
        }
    }

    private static func table(_ found: [UserBody]) -> String {
        var table = Table("ID", "NAME", "ORGANIZATION", "KEYS")
        for each in found {
            table.add(
                "\(each.id)",
                each.name,
                each.organization?.name ?? "operator",
                "\(each.apiKeyCount)"
            )
        }
        return table.text
    }
}
