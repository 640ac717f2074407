// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import GantryClient
import GantryProtocol

struct APIKeyCreate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Make an API key, which is shown this once.",
        discussion: """
            Standard output is the key alone; what it is goes to standard error. No key makes one that is stronger \
            than itself.
            """
    )

    @Argument(help: "What it is called.")
    var name: String

    @OptionGroup var owner: APIKeyOwner

    @Option(help: "owner, member or read-only; without it that of your own key, and owner when an operator makes it.")
    var role: String?

    @Option(
        name: .customLong("environment"),
        help: "The only environment that it reaches. May be given several times.",
        completion: .environments
    )
    var environments: [String] = []

    @Option(help: "For people.")
    var description: String?

    @Option(help: "When it ends from now on, such as 12h or 30d; without it never, or with your own key.")
    var expiresIn: Lifespan?

    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let answer = try await asTenant { () throws(ClientError) in
                try await generate(client)
            } orOperator: { () throws(ClientError) in
                try await create(client)
            }
            let key = answer.content
            connection.output.print(key) { key.key ?? "" }
            let hint =
                "This is the key \(key.name) of \(key.user.name), a \(key.role)'s. Keep it: it is shown this once.\n"
            FileHandle.standardError.write(Data(hint.utf8))
        }
    }

    private func generate(_ client: APIClient) async throws(ClientError) -> Answer<APIKeyBody> {
        try await client.generateAPIKey(
            GenerateAPIKeyRequest(
                name: name,
                description: description,
                role: role,
                environments: environments.isEmpty ? nil : environments,
                expiresAt: expiresIn?.end,
                userID: try await colleague(client)
            )
        )
    }

    /// The id of another user of the organization, found by the keys that an owner sees.
    private func colleague(_ client: APIClient) async throws(ClientError) -> Int64? {
        guard let word = owner.user else { return nil }
        if let known = try await client.ownAPIKeys().map(\.user).first(where: { $0.isNamed(word) }) { return known.id }
        if let id = Int64(word) { return id }
        let message = "Nobody who has a key is “\(word)” in your organization; for a first key use the user's id."
        throw .refused(404, "not_found", message)
    }

    private func create(_ client: APIClient) async throws(ClientError) -> Answer<APIKeyBody> {
        let user = try await owner.userForOperator(client)
        guard environments.isEmpty, description == nil else {
            let message = "An operator makes keys for all environments; a user makes others of it, with a description."
            throw .refused(400, "bad_request", message)
        }
        let request = CreateAPIKeyRequest(name: name, role: role, expiresAt: expiresIn?.end)
        return try await client.createAPIKey(request, of: user.id)
    }
}
