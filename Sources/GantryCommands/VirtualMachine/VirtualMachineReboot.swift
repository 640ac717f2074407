// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient

struct VirtualMachineReboot: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reboot",
        abstract: "Reset a machine, as its reset button would."
    )

    @OptionGroup var reference: MachineReference
    @OptionGroup var wait: Wait
    @OptionGroup var connection: Connection

    func run() async throws { try await connection.perform(.hardReboot, on: reference, until: "ACTIVE", wait) }
}
