// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

struct NodeDeclareDead: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "declare-dead",
        abstract: "Have the machines of a silent node start elsewhere, once its host is off for sure.",
        discussion: """
            A host that only lost its network goes on running its guests. Make sure first that it is off, or reaches neither
            network nor shared storage, and stays so: the machines whose disks are not on the node start on other nodes.
            The others are in ERROR and come back with the node.
            """
    )

    @OptionGroup var reference: NodeReference

    @Option(help: "How it was made sure that the host is off, for other operators.")
    var fencedBy: String

    @Option(help: "The node's name once more, which says that the host is off.")
    var confirm: String

    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let answer = try await client.declareNodeDead(reference.name, confirm: confirm, fencedBy: fencedBy)
            connection.output.print(answer.content) { answer.message }
        }
    }
}
