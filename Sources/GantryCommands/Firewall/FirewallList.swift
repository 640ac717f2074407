// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

struct FirewallList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "List your firewalls.")

    @Option(help: "Only those with this in their name.")
    var search: String?

    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let found = try await client.firewalls(search: search)
            connection.output.print(found) { Self.table(found) }
        }
    }

    private static func table(_ found: [FirewallBody]) -> String {
        var table = Table("ID", "NAME", "ENVIRONMENT", "RULES", "VMS", "STATUS")
        for each in found {
            table.add(
                "\(each.id)",
                each.name,
                each.environment.name,
                "\(each.rules.count)",
                "\(each.attachments.count)",
                each.status
            )
        }
        return table.text
    }
}
