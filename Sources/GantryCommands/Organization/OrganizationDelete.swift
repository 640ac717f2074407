// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

struct OrganizationDelete: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete",
        abstract: "Delete an organization that has no environments any more, with its users."
    )

    @OptionGroup var reference: OrganizationReference
    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let answer = try await client.deleteOrganization(try await reference.find(client).id)
            connection.output.print(answer) { answer.message }
        }
    }
}
