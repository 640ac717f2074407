// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

struct SnapshotList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "List your snapshots.")

    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let found = try await client.snapshots()
            connection.output.print(found) { Self.table(found) }
        }
    }

    private static func table(_ found: [SnapshotBody]) -> String {
        var table = Table("ID", "NAME", "STATUS", "GIB", "VM", "FAULT")
        for each in found {
            table.add(
                "\(each.id)",
                each.name,
                each.status,
                "\(each.size)",
                "\(each.vmID)",
                each.fault?.message ?? "-"
            )
        }
        return table.text
    }
}
