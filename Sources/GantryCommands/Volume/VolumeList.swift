// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

struct VolumeList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "List your volumes.")

    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let found = try await client.volumes()
            connection.output.print(found) { Self.table(found) }
        }
    }

    private static func table(_ found: [VolumeBody]) -> String {
        var table = Table("ID", "NAME", "STATUS", "GIB", "TYPE", "ENVIRONMENT", "VM")
        for each in found {
            table.add(
                "\(each.id)",
                each.name,
                each.status,
                "\(each.size)",
                each.volumeType,
                each.environment.name,
                each.attachments.first.map { "\($0.instanceID)" } ?? "-"
            )
        }
        return table.text
    }
}
