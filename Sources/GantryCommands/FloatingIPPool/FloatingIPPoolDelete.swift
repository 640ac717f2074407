// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

struct FloatingIPPoolDelete: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete",
        abstract: "Delete a floating IP pool of which no machine has an address."
    )

    @OptionGroup var reference: FloatingIPPoolReference
    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let answer = try await client.deleteFloatingIPPool(try await reference.find(client).id)
            connection.output.print(answer) { answer.message }
        }
    }
}
