// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient

struct VirtualMachineStart: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "start",
        abstract: "Start a machine that is shut off."
    )

    @OptionGroup var reference: MachineReference
    @OptionGroup var wait: Wait
    @OptionGroup var connection: Connection

    func run() async throws { try await connection.perform(.start, on: reference, until: "ACTIVE", wait) }
}
