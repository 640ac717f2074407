// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

struct VirtualMachineDetachFloatingIP: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "detach-floating-ip",
        abstract: "Take a machine's floating IP; others may have it."
    )

    @OptionGroup var reference: MachineReference
    @OptionGroup var wait: Wait
    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let machine = try await reference.find(client)
            let answer = try await client.detachFloatingIP(from: machine.id)
            let last = try await wait.follow(machine, client) { $0.floatingIP == nil }
            connection.output.print(answer) { wait.wait ? "\(last.name) has no floating IP." : answer.message }
        }
    }
}
