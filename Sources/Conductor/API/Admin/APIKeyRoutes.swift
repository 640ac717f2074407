// SPDX-License-Identifier: Apache-2.0

import GantryModel
import GantryProtocol
import Hummingbird

/// `/v1/admin/users/{id}/api-keys`: the keys of a user.
struct APIKeyRoutes: Sendable {
    let store: APIKeyStore

    func add(to admin: RouterGroup<OperatorContext>) {
        let keys = admin.group("users/:id/api-keys")
        keys.get { request, context in
            let paging = try Paging(request)
            let page = try await store.keys(of: try context.identifier("user"), paging.rows())
            return try Response.json(page, paging, message: "These are the user's keys.") { APIKeyBody($0) }
        }
        keys.post { request, context in
            let body = try await request.json(CreateAPIKeyRequest.self)
            let (record, key) = try await store.create(
                NewAPIKey(
                    name: try KeyField.name(body.name),
                    grant: KeyGrant(
                        role: try KeyField.role(body.role) ?? .owner,
                        expiresAt: try KeyField.end(body.expiresAt)
                    )
                ),
                for: try context.identifier("user")
            )
            return try Response.json(
                APIKeyBody(record, key: key),
                message: "The key was created. It is shown this once."
            )
        }
        keys.delete(":key") { _, context in
            let key: APIKeyID = try context.identifier("API key", "key")
            guard key != context.caller.key else {
                // So an operator with a key is always left.
                throw APIError(
                    .conflict,
                    "This is the key that you came with; use another to delete it.",
                    reason: "in_use"
                )
            }
            try await store.remove(key, of: try context.identifier("user"))
            return try Response.json(message: "The key was deleted.")
        }
    }
}
