// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

struct CallbackSecret: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "secret",
        abstract: "Say since when callbacks are signed."
    )

    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let answer = try await client.callbackSecret()
            connection.output.print(answer.content) { "Made at \(answer.content.createdAt.words). \(answer.message)" }
        }
    }
}
