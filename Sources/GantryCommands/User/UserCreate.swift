// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

struct UserCreate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Make a user of an organization, or an operator.",
        discussion: "A user without an API key can do nothing; gantry api-key create makes one."
    )

    @Argument(help: "The user's name.")
    var name: String

    @OptionGroup var owner: OrganizationOption

    @Flag(help: "Make an operator, who may do everything in the whole cloud.")
    var `operator` = false

    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let organization = try await owner.find(client)
            let request = CreateUserRequest(name: name, organizationID: organization?.id)
            let answer = try await client.createUser(request)
            connection.output.print(answer.content) { answer.message }
        }
    }

    func validate() throws {
        guard (owner.organization != nil) != `operator` else {
            throw ValidationError(
                "Say whose user it is with --organization, or that it is an operator with --operator."
            )
        }
    }
}
