// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

struct OrphanRemove: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove",
        abstract: "Have a node destroy an orphan with its own disk; files of volumes stay."
    )

    @Argument(help: "The orphan's id, as `gantry orphan list` shows it.")
    var id: Int64

    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let answer = try await client.removeOrphan(id)
            connection.output.print(answer.content) { answer.message }
        }
    }
}
