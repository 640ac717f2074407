// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

struct FirewallCreate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Make a firewall without rules and machines."
    )

    @Argument(help: "Its name.")
    var name: String

    @Option(help: "The environment's id or name.", completion: .environments)
    var environment: String

    @Option(help: "For people.")
    var description: String?

    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let environment = try await client.environment(named: environment)
            let request = CreateFirewallRequest(name: name, description: description, environmentID: environment.id)
            let firewall = try await client.createFirewall(request)
            connection.output.print(firewall) { "Firewall \(firewall.name) (\(firewall.id)) has no rules yet." }
        }
    }
}
