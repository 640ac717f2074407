// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

@main
struct GantryBenchmark: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gantry-benchmark",
        abstract: "Measures Gantry's programs on real services and prints tables.",
        subcommands: [
            AgentBenchmark.self, ConductorBenchmark.self, ReconnectBenchmark.self, ListBenchmark.self,
            InventoryBenchmark.self, Footprint.self,
        ]
    )
}
