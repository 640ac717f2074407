// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

struct ProfileDelete: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete",
        abstract: "Delete a profile; machines that were made with it stay."
    )

    @OptionGroup var reference: ProfileReference
    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let answer = try await client.deleteProfile(try await reference.find(client).id)
            connection.output.print(answer) { answer.message }
        }
    }
}
