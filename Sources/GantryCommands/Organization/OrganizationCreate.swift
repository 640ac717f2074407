// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

struct OrganizationCreate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Make an organization; its users and quota come next."
    )

    @Argument(help: "Its name.")
    var name: String

    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let answer = try await client.createOrganization(name)
            connection.output.print(answer.content) { answer.message }
        }
    }
}
