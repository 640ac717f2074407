// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

struct EnvironmentCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "environment",
        abstract: "Make, list and delete environments: networks of your own in a region.",
        subcommands: [
            EnvironmentList.self, EnvironmentShow.self, EnvironmentCreate.self, EnvironmentRename.self,
            EnvironmentDelete.self,
        ]
    )
}
