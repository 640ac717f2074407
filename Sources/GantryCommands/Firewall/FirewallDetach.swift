// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

struct FirewallDetach: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "detach", abstract: "Take a firewall from a machine.")

    @OptionGroup var reference: FirewallReference
    @OptionGroup var machine: MachineReference
    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let firewall = try await reference.find(client)
            let machine = try await machine.find(client)
            let attached = Set(firewall.attachments.map(\.vm.id))
            let answer = try await client.setMachines(attached.subtracting([machine.id]).sorted(), of: firewall.id)
            connection.output.print(answer) { answer.message }
        }
    }
}
