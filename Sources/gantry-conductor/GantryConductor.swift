// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryModel

@main
struct GantryConductor: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gantry-conductor",
        abstract: "Takes requests for virtual machines, keeps the truth in PostgreSQL and tells nodes what is wanted.",
        version: GantryVersion.current,
        subcommands: [Run.self, OperatorCommand.self, Restored.self, SeedTestData.self],
        defaultSubcommand: Run.self
    )
}
