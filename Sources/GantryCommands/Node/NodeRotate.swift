// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

struct NodeRotate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rotate",
        abstract: "Have a node's agent make a new API key and broker password, without a restart.",
        discussion: """
            The old ones hold until the agent uses the new ones, for as long as it is away. When somebody else may have \
            them, revoke them instead.
            """
    )

    @OptionGroup var reference: NodeReference

    @Flag(help: "Wait until the agent uses them.")
    var wait = false

    @OptionGroup var connection: Connection

    private static let interval = Duration.milliseconds(500)

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let answer = try await client.rotateNodeCredentials(reference.name)
            guard wait else { return connection.output.print(answer.content) { answer.message } }
            let node = try await follow(client)
            connection.output.print(node) { "\(node.name) uses new secrets; the old ones have ended." }
        }
    }

    private func follow(_ client: APIClient) async throws(ClientError) -> NodeBody {
        var line = ProgressLine()
        defer { line.end() }
        while true {
            let node = try await client.node(reference.name)
            switch node.credentials {
            case "valid": return node
            case "revoked": throw .refused(409, "failed", "The secrets of \(node.name) were revoked.")
            default: line.show("\(node.name): \(node.state), \(node.credentials)")
            }
            do {
                try await Task.sleep(for: Self.interval)
            } catch {
                throw .transport("interrupted")
            }
        }
    }
}
