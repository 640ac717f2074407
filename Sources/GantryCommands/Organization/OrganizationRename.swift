// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

struct OrganizationRename: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rename",
        abstract: "Give an organization another name."
    )

    @OptionGroup var reference: OrganizationReference

    @Argument(help: "Its new name.")
    var name: String

    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let answer = try await client.renameOrganization(try await reference.find(client).id, to: name)
            connection.output.print(answer.content) { answer.message }
        }
    }
}
