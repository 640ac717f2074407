// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

struct SnapshotCreate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Keep what is on a machine's disk now, without stopping it."
    )

    @OptionGroup var reference: MachineReference

    @Option(help: "What the snapshot is called.")
    var name: String

    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let machine = try await reference.find(client)
            let snapshot = try await client.createSnapshot(CreateSnapshotRequest(name: name), of: machine.id)
            connection.output.print(snapshot) { "Snapshot \(snapshot.name) (\(snapshot.id)) is \(snapshot.status)." }
        }
    }
}
