// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

/// A firewall as a person names it: by id or by name.
struct FirewallReference: ParsableArguments {
    @Argument(help: "The firewall's id or name.", completion: .firewalls)
    var firewall: String

    func find(_ client: APIClient) async throws(ClientError) -> FirewallBody {
        try await client.firewall(named: firewall)
    }
}

extension APIClient {
    /// The firewall that a person names by id or by name.
    func firewall(named word: String) async throws(ClientError) -> FirewallBody {
        try await find(
            word,
            "firewall",
            byID: firewall,
            among: firewalls(search:),
            id: \.id,
            name: \.name
        )
    }
}
