// SPDX-License-Identifier: Apache-2.0

import Foundation
import GantryModel
import GantryProtocol
import Hummingbird

/// `/v1/api-key`: the keys of an organization's users.
struct TenantKeyRoutes: Sendable {
    let store: APIKeyStore

    func add(to keys: RouterGroup<TenantContext>) {
        keys.get(use: list)
        keys.post("generate", use: generate)
        keys.put(":id", use: update)
        keys.delete(":id", use: remove)
    }

    private func list(_ request: Request, _ context: TenantContext) async throws -> Response {
        let records = try await store.keys(for: context.tenant)
        return try .json(
            APIKeysAnswer(message: "Getting API keys successful", apiKeys: records.map { APIKeyBody($0) })
        )
    }

    private func generate(_ request: Request, _ context: TenantContext) async throws -> Response {
        let body = try await request.json(GenerateAPIKeyRequest.self)
        let (record, key) = try await store.generate(
            KeyRequest(
                name: try KeyField.name(body.name),
                description: try KeyField.description(body.description),
                role: try KeyField.role(body.role),
                environments: body.environments,
                expiresAt: try KeyField.end(body.expiresAt)
            ),
            for: body.userID.map { UserID($0) },
            by: context.tenant
        )
        return try .json(
            APIKeyBody(record, key: key),
            message: "API key has been generated successfully. It is shown this once."
        )
    }

    private func update(_ request: Request, _ context: TenantContext) async throws -> Response {
        let body = try await request.json(UpdateAPIKeyRequest.self)
        let record = try await store.update(
            context.identifier("API key"),
            KeyRequest(
                name: try KeyField.name(body.name),
                description: try KeyField.description(body.description),
                role: try KeyField.role(body.role),
                environments: body.environments,
                expiresAt: try KeyField.end(body.expiresAt)
            ),
            by: context.tenant
        )
        return try .json(APIKeyBody(record), message: "API key has been updated successfully")
    }

    private func remove(_ request: Request, _ context: TenantContext) async throws -> Response {
        try await store.remove(context.identifier("API key"), by: context.tenant)
        return try .json(message: "API key has been deleted successfully")
    }
}

/// The fields of requests for keys.
enum KeyField {
    static func name(_ text: String) throws(APIError) -> String {
        try TextField.check(text, "name", maximumLength: 200)
    }

    static func description(_ text: String?) throws(APIError) -> String? {
        try TextField.optional(text, "description", maximumLength: 250)
    }

    static func role(_ text: String?) throws(APIError) -> KeyRole? {
        guard let text else { return nil }
        guard let role = KeyRole(rawValue: text) else {
            throw .invalid("role", "“\(text)” is none; use \(KeyRole.readOnly.andAbove).")
        }
        return role
    }

    static func end(_ time: Timestamp?) throws(APIError) -> Date? {
        guard let date = time?.date else { return nil }
        guard date > Date() else { throw .invalid("expires_at", "it has passed; name a time to come, in UTC.") }
        return date
    }
}

extension APIKeyBody {
    init(_ record: APIKeyRecord, key: String? = nil) {
        self.init(
            id: record.id.rawValue,
            name: record.name,
            description: record.description,
            key: key,
            role: record.grant.role.rawValue,
            environments: record.environmentNames,
            user: User(id: record.user.id.rawValue, name: record.user.name),
            expiresAt: record.grant.expiresAt.map { Timestamp($0) },
            lastUsedAt: record.lastUsedAt.map { Timestamp($0) },
            createdAt: Timestamp(record.createdAt)
        )
    }
}
