// SPDX-License-Identifier: Apache-2.0

import Crypto
package import Foundation
import GantryModel
package import Postgres

/// The keys by which users come in. Only their digests are kept.
package struct APIKeyStore: Sendable {
    let database: Database
    private let acceptsTestKeys: Bool

    /// - Parameters:
    ///   - database: where the keys are.
    ///   - acceptsTestKeys: whether the well-known key of the test data is one; false for a conductor that can be
    ///     reached from other machines.
    package init(database: Database, acceptsTestKeys: Bool) {
        (self.database, self.acceptsTestKeys) = (database, acceptsTestKeys)
    }

    /// Whose key it is; nil for an unknown or expired one. It is read anew for each request, so that a key that was
    /// deleted is refused by every conductor at once.
    package func caller(presenting key: String) async throws -> Caller? {
        let digest = Self.digest(of: key)
        let rows = try await database.read { transaction in
            try transaction.query(
                """
                SELECT k.id, k.user_id, u.organization_id, k.role, k.environments IS NOT NULL AS limited,
                    coalesce(k.environments, '{}') AS environments, k.expires_at,
                    coalesce(k.last_used_at <= now() - interval '1 hour', true) AS unmarked
                FROM api_key k JOIN user_account u ON u.id = k.user_id
                WHERE k.digest = \(digest) AND (k.expires_at IS NULL OR k.expires_at > now())
                    AND (NOT k.test_only OR \(acceptsTestKeys)::boolean)
                """
            )
        }
        guard let row = rows.first else { return nil }
        let (user, key): (UserID, APIKeyID) = try (row["user_id"], row["id"])
        if try row["unmarked"] { try? await markUse(of: key) }
        guard let organization: OrganizationID = try row["organization_id"] else {
            return .operator(Operator(user: user, key: key, role: try row["role"]))
        }
        return .tenant(Tenant(user: user, organization: organization, key: key, grant: try Self.grant(row)))
    }

    /// Writes the hour down, once in it. A request is not refused for that: whoever only looks can do so while the
    /// database takes no writes.
    private func markUse(of key: APIKeyID) async throws {
        _ = try await database.transaction { transaction in
            try transaction.execute(
                """
                UPDATE api_key SET last_used_at = date_trunc('hour', now()) WHERE id IN (
                    SELECT id FROM api_key WHERE id = \(key)
                        AND (last_used_at IS NULL OR last_used_at <= now() - interval '1 hour')
                    FOR NO KEY UPDATE SKIP LOCKED
                )
                """
            )
        }
    }

    /// What a row's key may.
    static func grant(_ row: Row) throws -> KeyGrant {
        try KeyGrant(
            role: row["role"],
            environments: row["limited"] ? row["environments"] : nil,
            expiresAt: row["expires_at"]
        )
    }

    /// What is kept of a key.
    package static func digest(of key: String) -> Data {
        Data(SHA256.hash(data: Data(key.utf8)))
    }
}
