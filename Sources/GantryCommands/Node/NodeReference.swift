// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

/// A node by its name.
struct NodeReference: ParsableArguments {
    @Argument(
        help: "The node's name.",
        completion: .live { client throws(ClientError) in try await client.nodes().map(\.name) }
    )
    var name: String
}
