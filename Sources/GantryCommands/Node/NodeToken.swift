// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

struct NodeToken: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "token",
        abstract: "Tokens, each of which lets one host become a node.",
        subcommands: [NodeTokenCreate.self, NodeTokenList.self, NodeTokenRevoke.self]
    )
}
