// SPDX-License-Identifier: Apache-2.0

public import GantryProtocol
import NIOHTTP1

extension APIClient {
    private static let organizations = "v1/admin/organizations"

    /// All organizations, or those with something in their names, oldest first.
    public func organizations(search: String? = nil) async throws(ClientError) -> [OrganizationBody] {
        let answer: PageAnswer<OrganizationBody> =
            try await call(.GET, Self.organizations, query: ["search": search])
        return answer.contents
    }

    public func organization(_ id: Int64) async throws(ClientError) -> OrganizationBody {
        let answer: Answer<OrganizationBody> = try await call(.GET, "\(Self.organizations)/\(id)")
        return answer.content
    }

    public func createOrganization(_ name: String) async throws(ClientError) -> Answer<OrganizationBody> {
        try await call(.POST, Self.organizations, CreateOrganizationRequest(name: name))
    }

    public func renameOrganization(_ id: Int64, to name: String) async throws(ClientError) -> Answer<OrganizationBody> {
        try await call(.PUT, "\(Self.organizations)/\(id)", RenameRequest(name: name))
    }

    /// Deletes an organization that has no environments any more, with its users.
    @discardableResult
    public func deleteOrganization(_ id: Int64) async throws(ClientError) -> StatusBody {
        try await call(.DELETE, "\(Self.organizations)/\(id)")
    }
}
