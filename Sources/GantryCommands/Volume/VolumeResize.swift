// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

struct VolumeResize: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "resize", abstract: "Enlarge a volume.")

    @OptionGroup var reference: VolumeReference

    @Option(help: "Its new size in GiB; never less than now.")
    var size: Int

    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let volume = try await reference.find(client)
            let enlarged = try await client.updateVolume(volume.id, UpdateVolumeRequest(size: size))
            connection.output.print(enlarged) { "Volume \(enlarged.name) has \(enlarged.size) GiB." }
        }
    }
}
