// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

struct VirtualMachineSetFirewalls: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "set-firewalls",
        abstract: "Give a machine exactly these firewalls."
    )

    @OptionGroup var reference: MachineReference

    @Option(
        name: .customLong("firewall"),
        help: "A firewall's id or name. May be given several times; without any it has none.",
        completion: .firewalls
    )
    var firewalls: [String] = []

    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let machine = try await reference.find(client)
            var ids: [Int64] = []
            for firewall in firewalls { ids.append(try await client.firewall(named: firewall).id) }
            let answer = try await client.setFirewalls(ids, of: machine.id)
            connection.output.print(answer) { answer.message }
        }
    }
}
