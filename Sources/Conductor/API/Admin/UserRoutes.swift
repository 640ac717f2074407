// SPDX-License-Identifier: Apache-2.0

import GantryModel
import GantryProtocol
import Hummingbird

/// `/v1/admin/users`: users of organizations, and operators.
struct UserRoutes: Sendable {
    let store: UserStore

    private static let maximumNameLength = 200

    func add(to admin: RouterGroup<OperatorContext>) {
        let users = admin.group("users")
        users.get { request, _ in
            let paging = try Paging(request)
            let organization = try request.number("organization_id", in: 1...Int.max)
            let page = try await store.users(
                paging.rows(search: request.text("search")),
                of: organization.map { OrganizationID(Int64($0)) }
            )
            return try Response.json(page, paging, message: "These are the users.") { UserBody($0) }
        }
        users.post { request, _ in
            let body = try await request.json(CreateUserRequest.self)
            let record = try await store.create(
                name: try Self.name(body.name),
                of: body.organizationID.map { OrganizationID($0) }
            )
            return try Response.json(UserBody(record), message: "The user was created.")
        }
        users.get(":id") { _, context in
            let record = try await store.user(try context.identifier("user"))
            return try Response.json(UserBody(record), message: "This is the user.")
        }
        users.put(":id") { request, context in
            let name = try await request.json(RenameRequest.self).name
            let record = try await store.rename(try context.identifier("user"), to: try Self.name(name))
            return try Response.json(UserBody(record), message: "The user was renamed.")
        }
        users.delete(":id") { _, context in
            let user: UserID = try context.identifier("user")
            guard user != context.caller.user else {
                // So an operator with a key is always left.
                throw APIError(.conflict, "This is you; let another operator delete you.", reason: "in_use")
            }
            try await store.remove(user)
            return try Response.json(message: "The user was deleted, and all keys with it.")
        }
    }

    private static func name(_ text: String) throws(APIError) -> String {
        try TextField.check(text, "name", maximumLength: maximumNameLength)
    }
}

extension UserBody {
    fileprivate init(_ record: UserRecord) {
        self.init(
            id: record.id.rawValue,
            name: record.name,
            organization: record.organization.map { OrganizationReference(id: $0.id.rawValue, name: $0.name) },
            apiKeyCount: record.keyCount,
            createdAt: Timestamp(record.createdAt)
        )
    }
}
