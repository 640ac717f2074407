// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

struct NodeCordon: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cordon",
        abstract: "Keep new machines off a node; those that it has stay."
    )

    @OptionGroup var reference: NodeReference

    @Option(help: "Why, for other operators.")
    var reason: String

    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let answer = try await client.cordonNode(reference.name, reason: reason)
            connection.output.print(answer.content) { answer.message }
        }
    }
}
