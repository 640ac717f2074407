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

    @Option(help: "The address of another machine, which loses it; without it a free one.")
    var address: String?

    @OptionGroup var wait: Wait
    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let machine = try await reference.find(client)
            let answer =
                if let address {
                    try await client.moveFloatingIP(address, to: machine.id)
                } else {
                    try await client.attachFloatingIP(to: machine.id)
                }
            let last = try await wait.follow(machine, client) { $0.floatingIPStatus == "ATTACHED" }
            connection.output.print(answer) {
                wait.wait ? "\(last.name) has \(last.floatingIP ?? "none")." : answer.message
            }
        }
    }
}
