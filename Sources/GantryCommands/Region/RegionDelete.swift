// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

struct RegionDelete: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete",
        abstract: "For operators: delete a region in which nothing is."
    )

    @OptionGroup var reference: RegionReference
    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let answer = try await client.deleteRegion(try await reference.find(client).id)
            connection.output.print(answer) { answer.message }
        }
    }
}
