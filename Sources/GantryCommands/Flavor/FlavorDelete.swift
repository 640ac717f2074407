// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

struct FlavorDelete: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete",
        abstract: "For operators: take a flavor off the list; machines that have it keep it."
    )

    @OptionGroup var reference: FlavorReference
    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let answer = try await client.deleteFlavor(try await reference.find(client).id)
            connection.output.print(answer) { answer.message }
        }
    }
}
