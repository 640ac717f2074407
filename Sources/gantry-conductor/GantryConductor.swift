// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

@main
struct GantryConductor: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gantry-conductor",
        abstract: "Takes requests for virtual machines, keeps the truth in PostgreSQL and tells nodes what is wanted.",
        subcommands: [Run.self, NodeCommand.self, OperatorCommand.self, SeedTestData.self],
        defaultSubcommand: Run.self
    )
}
