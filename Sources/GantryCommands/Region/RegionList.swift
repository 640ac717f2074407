// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

struct RegionList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List regions.",
        discussion: "An operator's key shows what operators know of them."
    )

    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            try await asTenant { () throws(ClientError) in
                let found = try await client.regions()
                connection.output.print(found) { Self.table(found) }
            } orOperator: { () throws(ClientError) in
                let found = try await client.adminRegions()
                connection.output.print(found) { Self.table(found) }
            }
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

    private static func table(_ found: [AdminRegionBody]) -> String {
        var table = Table("ID", "NAME", "COUNTRY", "NETWORK", "ENVIRONMENTS", "NODES", "DESCRIPTION")
        for each in found {
            table.add(
                "\(each.id)",
                each.name,
                each.country,
                each.network,
                "\(each.environmentCount)",
                "\(each.nodeCount)",
                each.description
            )
        }
        return table.text
    }
}
