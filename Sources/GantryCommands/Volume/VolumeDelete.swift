// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

struct VolumeDelete: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "delete", abstract: "Delete a volume with all data.")

    @OptionGroup var reference: VolumeReference
    @OptionGroup var wait: Wait
    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let volume = try await reference.find(client)
            let answer = try await client.deleteVolume(volume.id)
            let done = try await wait.follow(volume, client) { _ in false }
            connection.output.print(answer) { done ? "\(volume.name) is gone." : answer.message }
        }
    }
}
