// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient

struct VirtualMachineRestore: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore",
        abstract: "Bring a hibernated machine back."
    )

    @OptionGroup var reference: MachineReference
    @OptionGroup var wait: Wait
    @OptionGroup var connection: Connection

    func run() async throws { try await connection.perform(.restore, on: reference, until: "ACTIVE", wait) }
}
