// SPDX-License-Identifier: Apache-2.0

import GantryModel
import GantryProtocol
import Hummingbird

/// `/v1/admin/organizations`: tenants.
struct OrganizationRoutes: Sendable {
    let store: OrganizationStore

    private static let maximumNameLength = 100

    func add(to admin: RouterGroup<OperatorContext>) {
        let organizations = admin.group("organizations")
        organizations.get { request, _ in
            let paging = try Paging(request)
            let page = try await store.organizations(paging.rows(search: request.text("search")))
            return try Response.json(page, paging, message: "These are the organizations.") { OrganizationBody($0) }
        }
        organizations.post { request, _ in
            let name = try await request.json(CreateOrganizationRequest.self).name
            let record = try await store.create(name: try Self.name(name))
            return try Response.json(OrganizationBody(record), message: "The organization was created.")
        }
        organizations.get(":id") { _, context in
            let record = try await store.organization(try context.organization)
            return try Response.json(OrganizationBody(record), message: "This is the organization.")
        }
        organizations.put(":id") { request, context in
            let name = try await request.json(RenameRequest.self).name
            let record = try await store.rename(try context.organization, to: try Self.name(name))
            return try Response.json(OrganizationBody(record), message: "The organization was renamed.")
        }
        organizations.delete(":id") { _, context in
            try await store.remove(try context.organization)
            return try Response.json(message: "The organization was deleted.")
        }
    }

    private static func name(_ text: String) throws(APIError) -> String {
        try TextField.check(text, "name", maximumLength: maximumNameLength)
    }
}

extension OperatorContext {
    /// The organization that the path names by its id.
    fileprivate var organization: OrganizationID {
        get throws { try identifier("organization") }
    }
}

extension OrganizationBody {
    fileprivate init(_ record: OrganizationRecord) {
        self.init(
            id: record.id.rawValue,
            name: record.name,
            userCount: record.userCount,
            environmentCount: record.environmentCount,
            virtualMachineCount: record.machineCount,
            createdAt: Timestamp(record.createdAt)
        )
    }
}
