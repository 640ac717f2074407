// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

/// An organization as a person names it: by id or by name.
struct OrganizationReference: ParsableArguments {
    @Argument(help: "The organization's id or name.", completion: .organizations)
    var organization: String

    func find(_ client: APIClient) async throws(ClientError) -> OrganizationBody {
        try await client.organization(named: organization)
    }
}

/// Perhaps an organization, as a person names it.
struct OrganizationOption: ParsableArguments {
    @Option(help: "The organization's id or name.", completion: .organizations)
    var organization: String?

    func find(_ client: APIClient) async throws(ClientError) -> OrganizationBody? {
        guard let organization else { return nil }
        return try await client.organization(named: organization)
    }
}

extension APIClient {
    /// The organization that a person names by id or by name.
    func organization(named word: String) async throws(ClientError) -> OrganizationBody {
        try await find(
            word,
            "organization",
            byID: organization,
            among: organizations(search:),
            id: \.id,
            name: \.name
        )
    }
}
