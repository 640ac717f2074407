// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

struct ProfileCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "profile",
        abstract: "Keep configurations of machines under names.",
        subcommands: [ProfileList.self, ProfileShow.self, ProfileCreate.self, ProfileDelete.self]
    )
}
