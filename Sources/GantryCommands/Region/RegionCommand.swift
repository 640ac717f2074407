// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

struct RegionCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "region",
        abstract: "See regions; for operators, make, change and delete them.",
        subcommands: [RegionList.self, RegionShow.self, RegionCreate.self, RegionUpdate.self, RegionDelete.self]
    )
}
