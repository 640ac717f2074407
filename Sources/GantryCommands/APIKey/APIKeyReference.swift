// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

/// Whose keys a command is about.
struct APIKeyOwner: ParsableArguments {
    @Option(help: "The user's id or name; an operator has to say it.", completion: .users)
    var user: String?

    /// The keys of that user; without one those that the caller may see.
    func keys(_ client: APIClient) async throws(ClientError) -> [APIKeyBody] {
        try await asTenant { () throws(ClientError) in
            let keys = try await client.ownAPIKeys()
            return user.map { word in keys.filter { $0.user.isNamed(word) } } ?? keys
        } orOperator: { () throws(ClientError) in
            try await client.apiKeys(of: try await userForOperator(client).id)
        }
    }

    func userForOperator(_ client: APIClient) async throws(ClientError) -> UserBody {
        guard let user else {
            throw .refused(400, "bad_request", "Say whose with --user; gantry user list shows all.")
        }
        return try await client.user(named: user)
    }
}

/// An API key by its id or name.
struct APIKeyReference: ParsableArguments {
    @Argument(help: "The key's id or name, as gantry api-key list shows it.")
    var key: String

    @OptionGroup var owner: APIKeyOwner

    func find(_ client: APIClient) async throws(ClientError) -> APIKeyBody {
        try GantryCommands.find(key, in: try await owner.keys(client), "api-key", id: \.id, name: \.name)
    }
}

extension APIKeyBody.User {
    /// Whether a person means this user by an id or a name.
    func isNamed(_ word: String) -> Bool { name == word || "\(id)" == word }
}
