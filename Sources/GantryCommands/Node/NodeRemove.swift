// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

struct NodeRemove: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove",
        abstract: "Remove a node that has no machines, with its key and its queue."
    )

    @OptionGroup var reference: NodeReference
    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let answer = try await client.removeNode(reference.name)
            connection.output.print(answer) { answer.message }
        }
    }
}
