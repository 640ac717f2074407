// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Conductor

struct OperatorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "operator",
        abstract: "Make the first operator, who makes everything else over the API.",
        subcommands: [Create.self]
    )

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make an operator, or another key for one, and print the key."
        )

        @Argument(help: "The operator's name.")
        var name: String

        @OptionGroup var options: ConfigurationOptions

        func run() async throws {
            let key = try await options.withParts { try await OperatorAccounts(database: $0.database).newKey(of: name) }
            print(key)
        }
    }
}
