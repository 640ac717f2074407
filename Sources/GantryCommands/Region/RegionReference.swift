// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

/// A region as an operator names it: by id or by name.
struct RegionReference: ParsableArguments {
    @Argument(help: "The region's id or name.", completion: .regions)
    var region: String

    func find(_ client: APIClient) async throws(ClientError) -> AdminRegionBody {
        try await GantryCommands.find(
            region,
            "region",
            byID: client.adminRegion,
            among: client.adminRegions(search:),
            id: \.id,
            name: \.name
        )
    }
}
