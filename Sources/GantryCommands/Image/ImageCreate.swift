// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

struct ImageCreate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "For operators: offer an image to all tenants.",
        discussion: """
            Each node that needs it fetches and checks the file. gantry snapshot create-image makes one of a \
            machine.
            """
    )

    @Argument(help: "Its name.")
    var name: String

    @Option(help: "The region's name.", completion: .regions)
    var region: String

    @Option(help: "The URL from which nodes fetch it.")
    var source: String

    @Option(name: .customLong("sha256"), help: "The SHA-256 of the file, in hexadecimal.")
    var sha256: String

    @Option(help: "qcow2 or raw.", completion: .list(["qcow2", "raw"]))
    var format = "qcow2"

    @Option(help: "The distribution, such as Debian; gantry vm ssh knows by it who logs in.")
    var type: String?

    @Option(help: "The distribution's version, such as 12.")
    var typeVersion: String?

    @Option(help: "For people.")
    var description: String?

    @Option(help: "The size of the file in bytes, for people.")
    var size: Int64?

    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let answer = try await client.createImage(
                CreateImageRequest(
                    region: region,
                    name: name,
                    url: source,
                    sha256: sha256,
                    format: format,
                    type: type,
                    version: typeVersion,
                    description: description,
                    size: size
                )
            )
            connection.output.print(answer.content) { answer.message }
        }
    }
}
