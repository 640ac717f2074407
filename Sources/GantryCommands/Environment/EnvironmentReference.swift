// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

/// An environment as a person names it: by id or by name.
struct EnvironmentReference: ParsableArguments {
    @Argument(
        help: "The environment's id or name.",
        completion: .live { client throws(ClientError) in try await client.environments().map(\.name) }
    )
    var environment: String

    func find(_ client: APIClient) async throws(ClientError) -> EnvironmentBody {
        try GantryCommands.find(environment, in: try await client.environments(), "environment", id: \.id, name: \.name)
    }
}
