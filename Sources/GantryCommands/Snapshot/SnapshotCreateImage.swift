// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

struct SnapshotCreateImage: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create-image",
        abstract: "Make an image of a snapshot, for your organization alone."
    )

    @OptionGroup var reference: SnapshotReference

    @Option(help: "What the image is called.")
    var name: String

    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let snapshot = try await reference.find(client)
            let id = try await client.createImage(name, ofSnapshot: snapshot.id)
            connection.output.print(["id": id]) { "Image \(name) (\(id)) is made of the snapshot \(snapshot.name)." }
        }
    }
}
