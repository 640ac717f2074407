// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

struct UserRename: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "rename", abstract: "Give a user another name.")

    @OptionGroup var reference: UserReference

    @Argument(help: "Its new name.")
    var name: String

    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let answer = try await client.renameUser(try await reference.find(client).id, to: name)
            connection.output.print(answer.content) { answer.message }
        }
    }
}
