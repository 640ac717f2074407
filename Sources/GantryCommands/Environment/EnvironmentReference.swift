// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

/// An environment as a person names it: by id or by name.
struct EnvironmentReference: ParsableArguments {
    @Argument(help: "The environment's id or name.", completion: .environments)
    var environment: String

    func find(_ client: APIClient) async throws(ClientError) -> EnvironmentBody {
        try await client.environment(named: environment)
    }
}

extension APIClient {
    /// The environment that a person names by id or by name.
    func environment(named word: String) async throws(ClientError) -> EnvironmentBody {
        try await find(
            word,
            "environment",
            byID: environment,
            among: { _ throws(ClientError) in try await environments() },
            id: \.id,
            name: \.name
        )
    }
}
