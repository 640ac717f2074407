// SPDX-License-Identifier: Apache-2.0

public import ArgumentParser

/// `gantry`: a tenant's work at the command line, and an operator's with GPUs.
public struct GantryCommand: AsyncParsableCommand {
    public static let configuration = CommandConfiguration(
        commandName: "gantry",
        abstract: "Virtual machines of a Gantry cloud.",
        discussion: """
            The conductor's address and your API key are read from GANTRY_URL and GANTRY_API_KEY. The exit status is 0 \
            when it worked, 1 when the conductor said no, 2 when it cannot be reached, and 64 for a wrong command.
            """,
        subcommands: [VirtualMachineCommand.self, GPUCommand.self]
    )

    public init() {}
}
