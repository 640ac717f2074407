// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

struct GPUCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gpu",
        abstract: "See which GPUs there are; for operators, keep one from machines, have one cleaned anew.",
        subcommands: [
            GPUTypes.self, GPUStock.self, GPUList.self, GPUShow.self, GPUCordon.self, GPUUncordon.self, GPURetry.self,
            GPUReturn.self,
        ]
    )
}

/// A GPU by its id.
struct GPUReference: ParsableArguments {
    @Argument(help: "The GPU's id, as `gantry gpu list` shows it.")
    var id: Int64
}
