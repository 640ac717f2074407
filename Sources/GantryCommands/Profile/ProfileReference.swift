// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

/// A profile as a person names it: by id or by name.
struct ProfileReference: ParsableArguments {
    @Argument(
        help: "The profile's id or name.",
        completion: .live { client throws(ClientError) in try await client.profiles().map(\.name) }
    )
    var profile: String

    func find(_ client: APIClient) async throws(ClientError) -> ProfileBody {
        try await GantryCommands.find(
            profile,
            "profile",
            byID: client.profile,
            among: { _ throws(ClientError) in try await client.profiles() },
            id: \.id,
            name: \.name
        )
    }
}
