// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

/// A flavor as an operator names it: by id or by name.
struct FlavorReference: ParsableArguments {
    @Argument(help: "The flavor's id or name.", completion: .flavors)
    var flavor: String

    func find(_ client: APIClient) async throws(ClientError) -> AdminFlavorBody {
        try await GantryCommands.find(
            flavor,
            "flavor",
            byID: client.adminFlavor,
            among: { word throws(ClientError) in try await client.adminFlavors(search: word) },
            id: \.id,
            name: \.name
        )
    }
}
