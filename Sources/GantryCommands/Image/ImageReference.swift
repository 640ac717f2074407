// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

/// An image as a person names it: by id or by name.
struct ImageReference: ParsableArguments {
    @Argument(help: "The image's id or name.", completion: .images)
    var image: String

    /// Finds it among those that a tenant can boot.
    func find(_ client: APIClient) async throws(ClientError) -> ImageBody {
        try await GantryCommands.find(
            image,
            "image",
            byID: client.image,
            among: { _ throws(ClientError) in try await client.images() },
            id: \.id,
            name: \.name
        )
    }

    /// Finds it among those that operators offer.
    func findOffered(_ client: APIClient) async throws(ClientError) -> AdminImageBody {
        try await GantryCommands.find(
            image,
            "image",
            byID: client.adminImage,
            among: { word throws(ClientError) in try await client.adminImages(search: word) },
            id: \.id,
            name: \.name
        )
    }
}
