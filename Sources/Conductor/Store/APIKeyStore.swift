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

    /// Whose key it is; nil for an unknown or expired one.
    package func caller(presenting key: String) async throws -> Caller? {
        let digest = Self.digest(of: key)
        let rows = try await database.read { transaction in
            try transaction.query(
                """
                SELECT k.id, k.user_id, u.organization_id FROM api_key k JOIN user_account u ON u.id = k.user_id
                WHERE k.digest = \(digest) AND (k.expires_at IS NULL OR k.expires_at > now())
                    AND (NOT k.test_only OR \(acceptsTestKeys)::boolean)
                """
            )
        }
        guard let row = rows.first else { return nil }
        let (user, key): (UserID, APIKeyID) = try (row["user_id"], row["id"])
        guard let organization: OrganizationID = try row["organization_id"] else {
            return .operator(Operator(user: user, key: key))
        }
        return .tenant(Tenant(user: user, organization: organization, key: key))
    }

    /// What is kept of a key.
    package static func digest(of key: String) -> Data {
        Data(SHA256.hash(data: Data(key.utf8)))
    }
}
