// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

struct VirtualMachineConsole: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "console",
        abstract: "Print an address that opens a machine's display in a browser, once."
    )

    @OptionGroup var reference: MachineReference
    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let machine = try await reference.find(client)
            let url = try await client.consoleURL(of: machine.id)
            connection.output.print(["url": url]) { url }
        }
    }
}
