// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

struct VolumeSetCallback: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "set-callback",
        abstract: "Have the changes of a volume's status posted to a URL.",
        discussion: "gantry callback list shows what was posted."
    )

    @OptionGroup var reference: VolumeReference

    @Argument(help: "The URL, which leads to a public address.")
    var callbackURL: String

    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let volume = try await reference.find(client)
            let answer = try await client.setCallback(
                callbackURL,
                of: .volume(volume.id),
                insteadOf: volume.callbackURL
            )
            connection.output.print(answer) { answer.message }
        }
    }
}
