// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

struct EnvironmentDelete: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete",
        abstract: "Delete an environment that has no machines any more, with its keys."
    )

    @OptionGroup var reference: EnvironmentReference
    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let answer = try await client.deleteEnvironment(try await reference.find(client).id)
            connection.output.print(answer) { answer.message }
        }
    }
}
