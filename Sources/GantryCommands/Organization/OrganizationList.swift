// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

struct OrganizationList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "List organizations, oldest first.")

    @Option(help: "Only those with this in their name.")
    var search: String?

    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let found = try await client.organizations(search: search)
            connection.output.print(found) { Self.table(found) }
        }
    }

    private static func table(_ found: [OrganizationBody]) -> String {
        var table = Table("ID", "NAME", "USERS", "ENVIRONMENTS", "VMS")
        for each in found {
            table.add(
                "\(each.id)",
                each.name,
                "\(each.userCount)",
                "\(each.environmentCount)",
                "\(each.virtualMachineCount)"
            )
        }
        return table.text
    }
}
