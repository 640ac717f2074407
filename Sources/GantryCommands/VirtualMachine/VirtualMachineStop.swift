// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient

struct VirtualMachineStop: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stop",
        abstract: "Shut a machine down; its disk and addresses are kept."
    )

    @OptionGroup var reference: MachineReference
    @OptionGroup var wait: Wait
    @OptionGroup var connection: Connection

    func run() async throws { try await connection.perform(.stop, on: reference, until: "SHUTOFF", wait) }
}
