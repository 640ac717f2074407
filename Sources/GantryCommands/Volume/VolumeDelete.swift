// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

struct VolumeDelete: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "delete", abstract: "Delete a volume with all data.")

    @OptionGroup var reference: VolumeReference
    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let answer = try await client.deleteVolume(try await reference.find(client).id)
            connection.output.print(answer) { answer.message }
        }
    }
}
