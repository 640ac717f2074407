// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

struct NodeUncordon: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "uncordon",
        abstract: "Let new machines go to a node again, and end its drain."
    )

    @OptionGroup var reference: NodeReference
    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let answer = try await client.uncordonNode(reference.name)
            connection.output.print(answer.content) { answer.message }
        }
    }
}
