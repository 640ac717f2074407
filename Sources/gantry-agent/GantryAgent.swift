// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryModel

@main
struct GantryAgent: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gantry-agent",
        abstract: "Makes this host's virtual machines what the conductor wants them to be.",
        version: GantryVersion.current,
        subcommands: [Run.self, Join.self, Doctor.self],
        defaultSubcommand: Run.self
    )
}
