// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

struct FloatingIPPoolCreate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Make a floating IP pool with all addresses of a network."
    )

    @Argument(help: "Its name.")
    var name: String

    @Option(help: "The region's name.", completion: .regions)
    var region: String

    @Option(help: "The network that is routed to the nodes of the region, such as 203.0.113.0/24.")
    var network: String

    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let request = CreateFloatingIPPoolRequest(region: region, name: name, network: network)
            let answer = try await client.createFloatingIPPool(request)
            connection.output.print(answer.content) { answer.message }
        }
    }
}
