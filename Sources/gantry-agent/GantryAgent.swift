// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

@main
struct GantryAgent: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gantry-agent",
        abstract: "Makes this host's virtual machines what the conductor wants them to be.",
        subcommands: [Run.self, Doctor.self],
        defaultSubcommand: Run.self
    )
}
