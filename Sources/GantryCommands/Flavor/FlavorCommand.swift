// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

struct FlavorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "flavor",
        abstract: "See the sizes that machines can have; for operators, offer some and take them back.",
        subcommands: [FlavorList.self, FlavorShow.self, FlavorCreate.self, FlavorDelete.self]
    )
}
