// SPDX-License-Identifier: Apache-2.0

import Agent
import ArgumentParser
import Foundation
import GantryModel
import GantryProtocol

struct Join: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make this host a node, with a token of an operator's.",
        discussion: """
            It writes the agent's configuration, and the cloud's certificate authority beside it. When it ends in the \
            middle, say the same again.
            """
    )

    @Option(help: "The conductor's address, such as https://conductor.example:8443.")
    var conductor: String

    @Option(help: "The token that `gantry node token create` printed.")
    var token: String

    @Option(help: "What the node is called; without it the host's name up to the first dot.")
    var name: String?

    @Option(help: "The agent's configuration, to which the identity is added.")
    var config = "/etc/gantry/agent.yaml"

    @Flag(help: "Become this node although the host is another; the old configuration is kept as FILE.old.")
    var replace = false

    func run() async throws {
        // Its files hold secrets from the first byte on.
        umask(0o077)
        let hostname = NodeAgent.hostname
        let label = hostname.prefix { $0 != "." }.lowercased()
        let node = try NodeName(name ?? label)
        let join = try HostJoin(
            conductorURL: conductor,
            token: try JoinToken(token),
            node: node,
            hostname: hostname,
            path: config,
            replaces: replace
        )
        guard try await join.run() else { return print("This host is node \(node) already; nothing was changed.") }
        print(
            """
            This host is node \(node) now; \(config) says so.
            See what it lacks for machines:  gantry-agent doctor --config \(config)
            Start its agent:                 systemctl enable --now gantry-agent
            """
        )
    }
}
