// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

struct ImageList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List images.",
        discussion: "An operator's key shows those that are offered to all, and where they are."
    )

    @Option(help: "Only those of this region.", completion: .regions)
    var region: String?

    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            try await asTenant { () throws(ClientError) in
                let found = try await client.images(region: region)
                connection.output.print(found) { Self.table(found) }
            } orOperator: { () throws(ClientError) in
                let found = try await client.adminImages(region: region)
                connection.output.print(found) { Self.table(found) }
            }
        }
    }

    private static func table(_ found: [ImageBody]) -> String {
        var table = Table("ID", "NAME", "REGION", "TYPE", "VERSION", "SIZE", "PUBLIC")
        for each in found {
            table.add(
                "\(each.id)",
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

    private static func table(_ found: [AdminImageBody]) -> String {
        var table = Table("ID", "NAME", "REGION", "TYPE", "VERSION", "FORMAT", "VMS", "URL")
        for each in found {
            table.add(
                "\(each.id)",
                each.name,
                each.region,
                each.type,
                each.version,
                each.format,
                "\(each.virtualMachineCount)",
                each.url
            )
        }
        return table.text
    }
}
