// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

struct KeypairRename: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "rename", abstract: "Give a public key another name.")

    @OptionGroup var reference: KeypairReference

    @Argument(help: "Its new name.")
    var name: String

    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let answer = try await client.renameKeypair(try await reference.find(client).id, to: name)
            connection.output.print(answer.content) { answer.message }
        }
    }
}
