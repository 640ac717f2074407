// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

struct VolumeUpdate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "update",
        abstract: "Rename, describe or move a volume; what is left out stays."
    )

    @OptionGroup var reference: VolumeReference

    @Option(help: "Its new name.")
    var name: String?

    @Option(help: "For people.")
    var description: String?

    @Option(help: "The name of the environment to move it to.", completion: .environments)
    var environment: String?

    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let volume = try await reference.find(client)
            let request = UpdateVolumeRequest(environmentName: environment, name: name, description: description)
            let updated = try await client.updateVolume(volume.id, request)
            connection.output.print(updated) {
                "Volume \(updated.name) (\(updated.id)) is in \(updated.environment.name)."
            }
        }
    }
}
