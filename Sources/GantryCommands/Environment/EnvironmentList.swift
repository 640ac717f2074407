// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

struct EnvironmentList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "List your environments.")

    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let found = try await client.environments()
            connection.output.print(found) { Self.table(found) }
        }
    }

    private static func table(_ found: [EnvironmentBody]) -> String {
        var table = Table("ID", "NAME", "REGION")
        for each in found {
            table.add(
                "\(each.id)",
                each.name,
                each.region
            )
        }
        return table.text
    }
}
