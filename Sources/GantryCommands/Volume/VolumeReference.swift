// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

/// A volume as a person names it: by id or by name.
struct VolumeReference: ParsableArguments {
    @Argument(
        help: "The volume's id or name.",
        completion: .live { client throws(ClientError) in try await client.volumes().map(\.name) }
    )
    var volume: String

    func find(_ client: APIClient) async throws(ClientError) -> VolumeBody {
        try GantryCommands.find(volume, in: try await client.volumes(), "volume", id: \.id, name: \.name)
    }
}
