// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

struct VirtualMachineAttachFloatingIP: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "attach-floating-ip",
        abstract: "Give a machine a floating IP, by which it is reached from outside."
    )

    @OptionGroup var reference: MachineReference
    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let machine = try await reference.find(client)
            let answer = try await client.attachFloatingIP(to: machine.id)
            connection.output.print(answer) { answer.message }
        }
    }
}
