// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

struct DeadLetterShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show a dead letter with the message."
    )

    @Argument(help: "Its id, as gantry dead-letter list shows it.")
    var id: Int64

    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let newest = try await client.deadLetters(limit: 100)
            guard let letter = newest.first(where: { $0.id == id }) else {
                throw .refused(404, "not_found", "There is no dead letter \(id) among the newest 100.")
            }
            connection.output.print(letter) { Self.text(of: letter) }
        }
    }

    private static func text(of letter: DeadLetterBody) -> String {
        var details = Details("Dead letter \(letter.id)")
        details.add("queue", letter.queue)
        details.add("since", letter.createdAt.words)
        details.add("reason", letter.reason)
        return details.text + "\n\(letter.body)"
    }
}
