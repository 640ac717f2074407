// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

struct VolumeDetach: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "detach", abstract: "Take a volume from its machine.")

    @OptionGroup var reference: VolumeReference
    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let volume = try await reference.find(client)
            guard let machine = volume.attachments.first?.instanceID else {
                throw .refused(409, "not_attached", "No machine has the volume \(volume.name).")
            }
            let attachments = try await client.detachVolumes([volume.id], from: machine)
            connection.output.print(attachments) { "Volume \(volume.name) is taken from its machine." }
        }
    }
}
