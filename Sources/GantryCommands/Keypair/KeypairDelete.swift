// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

struct KeypairDelete: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete",
        abstract: "Delete a public key; machines that have it keep it."
    )

    @OptionGroup var reference: KeypairReference
    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let answer = try await client.deleteKeypair(try await reference.find(client).id)
            connection.output.print(answer) { answer.message }
        }
    }
}
