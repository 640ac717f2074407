// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

struct VolumeProtect: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "protect",
        abstract: "Keep a volume from being taken from its machine, or let it be."
    )

    @OptionGroup var reference: VolumeReference

    @Flag(help: "Let it be taken away again.")
    var off = false

    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let volume = try await reference.find(client)
            guard let attachment = volume.attachments.first else {
                throw .refused(409, "not_attached", "No machine has the volume \(volume.name).")
            }
            let attachments = try await client.protectAttachment(attachment.id, !off)
            connection.output.print(attachments) { "Volume \(volume.name) is \(off ? "not protected" : "protected")." }
        }
    }
}
