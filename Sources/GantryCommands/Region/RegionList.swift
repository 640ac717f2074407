// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

struct RegionList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "List regions.")

    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let found = try await client.regions()
            connection.output.print(found) { Self.table(found) }
        }
    }

    private static func table(_ found: [RegionBody]) -> String {
        var table = Table("NAME", "COUNTRY", "DESCRIPTION")
        for each in found {
            table.add(
                each.name,
                each.country,
                each.description
            )
        }
        return table.text
    }
}
