// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

/// A public key as a person names it: by id or by name.
struct KeypairReference: ParsableArguments {
    @Argument(
        help: "The key's id or name.",
        completion: .live { client throws(ClientError) in try await client.keypairs().map(\.name) }
    )
    var key: String

    func find(_ client: APIClient) async throws(ClientError) -> KeypairBody {
        try GantryCommands.find(key, in: try await client.keypairs(), "key", id: \.id, name: \.name)
    }
}
