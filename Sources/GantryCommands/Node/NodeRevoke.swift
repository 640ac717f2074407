// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import GantryClient
import GantryProtocol

struct NodeRevoke: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke",
        abstract: "End a node's API key and broker password at once, for when somebody else may have them.",
        discussion: """
            Machines run on, and nobody looks after them until the host has joined again with a token that is for it. \
            Standard error says how.
            """
    )

    @OptionGroup var reference: NodeReference
    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let answer = try await client.revokeNodeCredentials(reference.name)
            connection.output.print(answer.content) { answer.message }
            let node = answer.content
            let hint = """
                Here:         gantry node token create --region \(node.region) --hostname \(node.hostname ?? "HOST")
                On the host:  gantry-agent join --conductor \(client.url) --token TOKEN --name \(node.name) --replace
                              systemctl restart gantry-agent

                """
            FileHandle.standardError.write(Data(hint.utf8))
        }
    }
}
