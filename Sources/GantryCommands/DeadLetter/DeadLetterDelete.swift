// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

struct DeadLetterDelete: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "delete", abstract: "Delete a dead letter.")

    @Argument(help: "Its id, as gantry dead-letter list shows it.")
    var id: Int64

    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let answer = try await client.deleteDeadLetter(id)
            connection.output.print(answer) { answer.message }
        }
    }
}
