// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

struct KeypairList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "List your public keys.")

    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let found = try await client.keypairs()
            connection.output.print(found) { Self.table(found) }
        }
    }

    private static func table(_ found: [KeypairBody]) -> String {
        var table = Table("ID", "NAME", "ENVIRONMENT", "FINGERPRINT")
        for each in found {
            table.add(
                "\(each.id)",
                each.name,
                each.environment.name,
                each.fingerprint
            )
        }
        return table.text
    }
}
