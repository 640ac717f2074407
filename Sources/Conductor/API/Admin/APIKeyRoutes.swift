// SPDX-License-Identifier: Apache-2.0

import Foundation
import GantryModel
import GantryProtocol
import Hummingbird

/// `/v1/admin/users/{id}/api-keys`: the keys of a user.
struct APIKeyRoutes: Sendable {
    let store: APIKeyStore

    private static let maximumNameLength = 200

    func add(to admin: RouterGroup<OperatorContext>) {
        let keys = admin.group("users/:id/api-keys")
        keys.get { request, context in
            let paging = try Paging(request)
            let page = try await store.keys(of: try context.identifier("user"), paging.rows())
            return try Response.json(page, paging, message: "These are the user's keys.") { APIKeyBody($0) }
        }
        keys.post { request, context in
            let body = try await request.json(CreateAPIKeyRequest.self)
            if let end = body.expiresAt, end.date <= Date() {
                throw APIError.invalid("expires_at", "it has passed; name a time to come, in UTC.")
            }
            let (record, key) = try await store.create(
                name: try TextField.check(body.name, "name", maximumLength: Self.maximumNameLength),
                expiresAt: body.expiresAt?.date,
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

extension APIKeyBody {
    fileprivate init(_ record: APIKeyRecord, key: String? = nil) {
        self.init(
            id: record.id.rawValue,
            name: record.name,
            key: key,
            expiresAt: record.expiresAt.map { Timestamp($0) },
            createdAt: Timestamp(record.createdAt)
        )
    }
}
