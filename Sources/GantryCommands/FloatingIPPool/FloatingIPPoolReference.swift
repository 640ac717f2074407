// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

/// A floating IP pool as a person names it: by id or by name.
struct FloatingIPPoolReference: ParsableArguments {
    @Argument(
        help: "The pool's id or name.",
        completion: .live { client throws(ClientError) in try await client.floatingIPPools().map(\.name) }
    )
    var pool: String

    func find(_ client: APIClient) async throws(ClientError) -> FloatingIPPoolBody {
        try await GantryCommands.find(
            pool,
            "floating-ip-pool",
            byID: client.floatingIPPool,
            among: { word throws(ClientError) in try await client.floatingIPPools(search: word) },
            id: \.id,
            name: \.name
        )
    }
}
