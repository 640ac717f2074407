// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import GantryClient
import GantryProtocol

struct FlavorList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List flavors, with whether there is room for one now."
    )

    @Option(help: "Only those of this region.")
    var region: String?

    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let found = try await client.flavors(region: region)
            connection.output.print(found) { Self.table(found) }
        }
    }

    private static func table(_ found: [FlavorBody]) -> String {
        var table = Table("NAME", "REGION", "VCPU", "GIB", "DISK", "GPU", "ROOM")
        for each in found {
            table.add(
                each.name,
                each.regionName,
                "\(each.cpu)",
                each.ram.formatted(),
                "\(each.disk)",
                each.gpuCount == 0 ? "-" : "\(each.gpuCount) \(each.gpu)",
                each.stockAvailable ? "yes" : "no"
            )
        }
        return table.text
    }
}
