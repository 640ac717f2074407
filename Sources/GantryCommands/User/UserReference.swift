// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

/// A user as a person names it: by id or by name.
struct UserReference: ParsableArguments {
    @Argument(help: "The user's id or name.", completion: .users)
    var user: String

    func find(_ client: APIClient) async throws(ClientError) -> UserBody {
        try await client.user(named: user)
    }
}

extension APIClient {
    /// The user that a person names by id or by name.
    func user(named word: String) async throws(ClientError) -> UserBody {
        try await find(
            word,
            "user",
            byID: user,
            among: { word throws(ClientError) in try await users(search: word) },
            id: \.id,
            name: \.name
        )
    }
}
