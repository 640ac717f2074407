// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

struct EnvironmentRename: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rename",
        abstract: "Give an environment another name."
    )

    @OptionGroup var reference: EnvironmentReference

    @Argument(help: "Its new name.")
    var name: String

    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let answer = try await client.renameEnvironment(try await reference.find(client).id, to: name)
            connection.output.print(answer.content) { answer.message }
        }
    }
}
