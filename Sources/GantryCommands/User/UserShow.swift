// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

struct UserShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "show", abstract: "Show a user.")

    @OptionGroup var reference: UserReference
    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let found = try await reference.find(client)
            connection.output.print(found) { Self.text(of: found) }
        }
    }

    private static func text(of found: UserBody) -> String {
        var details = Details("\(found.name) (\(found.id))")
        details.add("organization", found.organization.map { "\($0.name) (\($0.id))" } ?? "none, an operator")
        details.add("keys", "\(found.apiKeyCount)")
        details.add("since", found.createdAt.words)
        return details.text
    }
}
