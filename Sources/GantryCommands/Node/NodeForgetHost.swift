// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

struct NodeForgetHost: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "forget-host",
        abstract: "Let a host of another name be a node, since its host was renamed or replaced.",
        discussion: "The next host that comes with the node's key is the node."
    )

    @OptionGroup var reference: NodeReference
    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let answer = try await client.forgetHost(ofNode: reference.name)
            connection.output.print(answer.content) { answer.message }
        }
    }
}
