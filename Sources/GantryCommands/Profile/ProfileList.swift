// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

struct ProfileList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "List your profiles.")

    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let found = try await client.profiles()
            connection.output.print(found) { Self.table(found) }
        }
    }

    private static func table(_ found: [ProfileBody]) -> String {
        var table = Table("ID", "NAME", "DESCRIPTION")
        for each in found {
            table.add(
                "\(each.id)",
                each.name,
                each.description
            )
        }
        return table.text
    }
}
