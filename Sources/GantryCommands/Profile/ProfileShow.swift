// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

struct ProfileShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "show", abstract: "Show a profile.")

    @OptionGroup var reference: ProfileReference
    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let found = try await reference.find(client)
            connection.output.print(found) { Self.text(of: found) }
        }
    }

    private static func text(of found: ProfileBody) -> String {
        var details = Details("\(found.name) (\(found.id))")
        details.add("description", found.description)
        details.add("data", found.data)
        details.add("since", found.createdAt.words)
        return details.text
    }
}
