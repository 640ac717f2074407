// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

struct VirtualMachineEvents: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "events",
        abstract: "Show a machine's history, oldest first."
    )

    @OptionGroup var reference: MachineReference
    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let found = try await client.instanceEvents(try await reference.find(client).id)
            connection.output.print(found) { Self.table(found) }
        }
    }

    private static func table(_ found: [InstanceEventBody]) -> String {
        var table = Table("TIME", "TYPE", "EVENT", "MESSAGE")
        for each in found {
            table.add(
                each.time.words,
                each.type,
                each.reason,
                each.message
            )
        }
        return table.text
    }
}
