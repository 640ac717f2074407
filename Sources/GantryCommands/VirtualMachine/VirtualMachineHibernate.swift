// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient

struct VirtualMachineHibernate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "hibernate",
        abstract: "Take a machine off its host; its disk is kept, its GPUs go to others."
    )

    @OptionGroup var reference: MachineReference
    @OptionGroup var wait: Wait
    @OptionGroup var connection: Connection

    func run() async throws { try await connection.perform(.hibernate, on: reference, until: "HIBERNATED", wait) }
}
