// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

/// A snapshot as a person names it: by id or by name.
struct SnapshotReference: ParsableArguments {
    @Argument(
        help: "The snapshot's id or name.",
        completion: .live { client throws(ClientError) in try await client.snapshots().map(\.name) }
    )
    var snapshot: String

    func find(_ client: APIClient) async throws(ClientError) -> SnapshotBody {
        try GantryCommands.find(snapshot, in: try await client.snapshots(), "snapshot", id: \.id, name: \.name)
    }
}
