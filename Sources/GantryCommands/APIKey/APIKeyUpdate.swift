// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

struct APIKeyUpdate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "update",
        abstract: "Change a key of your organization; what is left out stays."
    )

    @OptionGroup var reference: APIKeyReference

    @Option(help: "Its new name.")
    var name: String?

    @Option(help: "For people.")
    var description: String?

    @Option(help: "owner, member or read-only.")
    var role: String?

    @Option(
        name: .customLong("environment"),
        help: "The only environment that it reaches. May be given several times.",
        completion: .environments
    )
    var environments: [String] = []

    @Option(help: "When it ends from now on, such as 12h or 30d.")
    var expiresIn: Lifespan?

    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let key = try await reference.find(client)
            let request = UpdateAPIKeyRequest(
                name: name ?? key.name,
                description: description,
                role: role,
                environments: environments.isEmpty ? nil : environments,
                expiresAt: expiresIn?.end
            )
            let answer = try await client.updateAPIKey(key.id, request)
            connection.output.print(answer.content) { answer.message }
        }
    }
}
