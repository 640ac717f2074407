// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

struct FloatingIPPoolList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List floating IP pools, with how many addresses machines have."
    )

    @Option(help: "Only those of this region.", completion: .regions)
    var region: String?

    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let found = try await client.floatingIPPools(region: region)
            connection.output.print(found) { Self.table(found) }
        }
    }

    private static func table(_ found: [FloatingIPPoolBody]) -> String {
        var table = Table("ID", "NAME", "REGION", "NETWORK", "ASSIGNED")
        for each in found {
            table.add(
                "\(each.id)",
                each.name,
                each.region,
                each.network,
                "\(each.assignedCount)/\(each.addressCount)"
            )
        }
        return table.text
    }
}
