// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

struct SnapshotRestore: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore",
        abstract: "Make a new machine of a snapshot."
    )

    @OptionGroup var reference: SnapshotReference

    @Option(help: "What the new machine is called.")
    var name: String

    @OptionGroup var wait: Wait
    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let snapshot = try await reference.find(client)
            let made = try await client.restoreSnapshot(snapshot.id, as: name)
            let machines = try await wait.follow([made], until: "ACTIVE", client)
            connection.output.print(machines) { VirtualMachineList.table(machines) }
        }
    }
}
