// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

struct CallbackList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List what was or is to be posted to callback URLs, newest first."
    )

    @Option(name: .customLong("vm"), help: "Only those of the machine with this id or name.", completion: .machines)
    var machine: String?

    @OptionGroup var page: PageLimit
    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            var id: Int64?
            if let machine { id = try await client.instance(named: machine).id }
            let found = try await client.callbackDeliveries(of: id, limit: page.limit)
            connection.output.print(found) { Self.table(found) }
        }
    }

    private static func table(_ found: [CallbackDeliveryBody]) -> String {
        var table = Table("ID", "OF", "OPERATION", "STATUS", "STATE", "ATTEMPTS", "SINCE", "ERROR")
        for each in found {
            table.add(
                "\(each.id)",
                each.name,
                each.operation,
                each.status,
                each.state,
                "\(each.attempts)",
                each.createdAt.words,
                each.lastError ?? "-"
            )
        }
        return table.text
    }
}
