// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

struct VolumeDetach: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "detach", abstract: "Take a volume from its machine.")

    @OptionGroup var reference: VolumeReference
    @OptionGroup var wait: Wait
    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let volume = try await reference.find(client)
            guard let machine = volume.attachments.first?.instanceID else {
                throw .refused(409, "not_attached", "No machine has the volume \(volume.name).")
            }
            let attachments = try await client.detachVolumes([volume.id], from: machine)
            let done = try await wait.follow(volume, client) { $0.attachments.isEmpty }
            connection.output.print(attachments) {
                "Volume \(volume.name) is \(done ? "" : "being ")taken from its machine."
            }
        }
    }
}
