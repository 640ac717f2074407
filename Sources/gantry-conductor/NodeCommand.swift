// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Conductor
import Foundation
import GantryModel

struct NodeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "node",
        abstract: "Make nodes, remove them.",
        subcommands: [Create.self, Remove.self]
    )

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Make a node and write its agent's configuration.")

        @Argument(help: "The node's name: 1 to 63 of a-z, 0-9 and “-”.")
        var name: String

        @Option(help: "The region's name.")
        var region: String

        @OptionGroup var output: AgentConfigurationOptions
        @OptionGroup var options: ConfigurationOptions

        func run() async throws {
            let node = try NodeName(name)
            let credentials = try await options.withParts { parts in
                try await parts.registry.create(
                    node,
                    region: try await RegionStore(database: parts.database).id(of: region),
                    ratios: try OvercommitRatios()
                )
            }
            try output.write(credentials)
        }
    }

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Remove a node that has no machines.")

        @Argument(help: "The node's name.")
        var name: String

        @OptionGroup var options: ConfigurationOptions

        func run() async throws {
            let node = try NodeName(name)
            try await options.withParts { try await $0.registry.remove(node) }
        }
    }
}

/// Where a node's credentials go, which cannot be shown again.
struct AgentConfigurationOptions: ParsableArguments {
    @Option(help: "The conductor's address as the agent reaches it, such as https://conductor.example:8443.")
    var conductorURL: String

    @Option(help: "The file to write, readable by its owner alone; without it the configuration is printed.")
    var output: String?

    func write(_ credentials: NodeCredentials) throws {
        let text = try AgentConfigurationFile(credentials, conductorURL: conductorURL).text
        guard let output else { return print(text, terminator: "") }
        // Made with its mode, so that nobody reads it in between.
        let made = FileManager.default.createFile(
            atPath: output,
            contents: Data(text.utf8),
            attributes: [.posixPermissions: 0o600]
        )
        guard made else { throw ValidationError("\(output) cannot be written.") }
    }
}
