// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

struct ImageList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "List images.")

    @Option(help: "Only those of this region.")
    var region: String?

    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let found = try await client.images(region: region)
            connection.output.print(found) { Self.table(found) }
        }
    }

    private static func table(_ found: [ImageBody]) -> String {
        var table = Table("NAME", "REGION", "TYPE", "VERSION", "SIZE", "PUBLIC")
        for each in found {
            table.add(
                each.name,
                each.regionName,
                each.type,
                each.version,
                each.displaySize,
                each.isPublic ? "yes" : "no"
            )
        }
        return table.text
    }
}
