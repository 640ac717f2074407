// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

struct CallbackReplay: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "replay", abstract: "Post a status again.")

    @Argument(help: "Its id, as gantry callback list shows it.")
    var id: Int64

    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let answer = try await client.replayCallback(id)
            connection.output.print(answer.content) { answer.message }
        }
    }
}
