// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

struct VirtualMachineSetKeys: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "set-keys",
        abstract: "Have the guest of a running machine take other keys.",
        discussion: "It needs qemu-guest-agent in the guest; gantry vm events says when the guest has them."
    )

    @OptionGroup var reference: MachineReference

    @Option(
        name: .customLong("key"),
        help: "A public key's name. May be given several times; those not named are taken out.",
        completion: .keypairs
    )
    var keys: [String]

    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let machine = try await reference.find(client)
            let answer = try await client.setKeys(of: machine.id, to: keys)
            connection.output.print(answer) { answer.message }
        }
    }
}
