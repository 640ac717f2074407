// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

struct RegionCreate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "create", abstract: "For operators: make a region.")

    @Argument(help: "Its name.")
    var name: String

    @Option(help: "For people, such as the city.")
    var description: String?

    @Option(help: "The country, for people.")
    var country: String?

    @Option(help: "The private network of which each environment gets a part, such as 10.0.0.0/8.")
    var network: String?

    @Option(help: "How long the prefix of an environment's part is, such as 24.")
    var environmentPrefix: Int?

    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let request = CreateRegionRequest(
                name: name,
                description: description,
                country: country,
                network: network,
                environmentPrefix: environmentPrefix
            )
            let answer = try await client.createRegion(request)
            connection.output.print(answer.content) { answer.message }
        }
    }
}
