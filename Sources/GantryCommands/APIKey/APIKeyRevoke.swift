// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

struct APIKeyRevoke: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke",
        abstract: "End an API key; it is refused from the next request on."
    )

    @OptionGroup var reference: APIKeyReference
    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let key = try await reference.find(client)
            let answer = try await asTenant { () throws(ClientError) in
                try await client.deleteOwnAPIKey(key.id)
            } orOperator: { () throws(ClientError) in
                try await client.deleteAPIKey(key.id, of: key.user.id)
            }
            connection.output.print(answer) { answer.message }
        }
    }
}
