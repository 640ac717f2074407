// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

struct EnvironmentCreate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "create", abstract: "Make an environment.")

    @Argument(help: "Its name.")
    var name: String

    @Option(help: "The region's name.", completion: .regions)
    var region: String

    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let answer = try await client.createEnvironment(CreateEnvironmentRequest(name: name, region: region))
            connection.output.print(answer.content) { answer.message }
        }
    }
}
