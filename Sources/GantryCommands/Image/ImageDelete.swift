// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

struct ImageDelete: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete",
        abstract: "Delete an image of your organization's; for operators, take one off the list.",
        discussion: "Machines that were made from it stay."
    )

    @OptionGroup var reference: ImageReference
    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let answer = try await asTenant { () throws(ClientError) in
                try await client.deleteImage(try await reference.find(client).id)
            } orOperator: { () throws(ClientError) in
                try await client.deleteAdminImage(try await reference.findOffered(client).id)
            }
            connection.output.print(answer) { answer.message }
        }
    }
}
