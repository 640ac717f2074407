// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

struct RegionCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "region",
        abstract: "See regions.",
        subcommands: [RegionList.self]
    )
}
