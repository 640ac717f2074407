// SPDX-License-Identifier: Apache-2.0

import GantryModel
import GantryProtocol
import Hummingbird

/// `/v1/core/keypairs`, and for one of them the vendor's `/v1/core/keypair`: SSH public keys.
struct KeypairRoutes: Sendable {
    let store: KeypairStore

    private static let maximumNameLength = 50

    func add(to core: RouterGroup<TenantContext>) {
        core.get("keypairs", use: list)
        core.post("keypairs", use: add)
        core.put("keypair/:id", use: rename)
        core.delete("keypair/:id", use: remove)
        core.get("supported-keypairs") { _, _ in
            try Response.json(SupportedKeypairsAnswer(supportedKeyTypes: SSHPublicKey.types))
        }
    }

    private func list(_ request: Request, _ context: TenantContext) async throws -> Response {
        let paging = try Paging(request)
        let page = try await store.keypairs(
            in: context.tenant.organization,
            paging.rows(search: request.text("search"), reachedBy: context.tenant)
        )
        return try .json(page, paging, message: "Getting keypairs successful") { KeypairBody($0) }
    }

    private func add(_ request: Request, _ context: TenantContext) async throws -> Response {
        let body = try await request.json(ImportKeypairRequest.self)
        let record = try await store.add(
            try Self.key(body.publicKey),
            name: try TextField.check(body.name, "name", maximumLength: Self.maximumNameLength),
            environment: body.environmentName,
            in: context.tenant.organization
        )
        return try .json(KeypairBody(record), message: "Keypair is imported successfully")
    }

    private func rename(_ request: Request, _ context: TenantContext) async throws -> Response {
        let name = try await request.json(RenameRequest.self).name
        let record = try await store.rename(
            context.identifier("key pair"),
            to: try TextField.check(name, "name", maximumLength: Self.maximumNameLength),
            in: context.tenant.organization
        )
        return try .json(KeypairBody(record), message: "Keypair is updated successfully")
    }

    private func remove(_ request: Request, _ context: TenantContext) async throws -> Response {
        try await store.remove(context.identifier("key pair"), in: context.tenant.organization)
        return try .json(message: "Keypair is deleted successfully")
    }

    private static func key(_ text: String) throws(APIError) -> SSHPublicKey {
        do throws(InvalidValue) {
            return try SSHPublicKey(text)
        } catch {
            throw .invalid("public_key", error.description)
        }
    }
}

extension KeypairBody {
    init(_ record: KeypairRecord) {
        self.init(
            id: record.id.rawValue,
            name: record.name,
            environment: EnvironmentBody(record.environment),
            publicKey: record.publicKey,
            fingerprint: record.fingerprint,
            createdAt: Timestamp(record.createdAt)
        )
    }
}
