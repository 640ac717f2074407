// SPDX-License-Identifier: Apache-2.0

package import Foundation
package import GantryModel
import Postgres

/// What is known of a key, which is not the key.
package struct APIKeyRecord: Sendable, Hashable {
    package struct User: Sendable, Hashable {
        package var id: UserID
        package var name: String
    }

    package var id: APIKeyID
    package var user: User
    package var name: String
    package var description: String
    package var grant: KeyGrant
    /// The names of the environments that it reaches and that still exist; nil for all.
    package var environmentNames: [String]?
    /// To the hour; nil for a key that never was.
    package var lastUsedAt: Date?
    package var createdAt: Date
}

/// A key that is to be made.
package struct NewAPIKey: Sendable, Hashable {
    package var name: String
    package var description: String
    package var grant: KeyGrant

    package init(name: String, description: String = "", grant: KeyGrant) {
        (self.name, self.description, self.grant) = (name, description, grant)
    }
}

extension APIKeyRecord {
    static func records(_ ids: [APIKeyID], _ transaction: Transaction) throws -> [APIKeyRecord] {
        let rows = try transaction.query(
            """
            SELECT k.id, k.user_id, u.name AS user_name, k.name, k.description, k.role, k.expires_at, k.last_used_at,
                k.created_at, k.environments IS NOT NULL AS limited, coalesce(k.environments, '{}') AS environments,
                ARRAY(SELECT e.name FROM environment e WHERE e.id = ANY (k.environments)
                      AND e.organization_id = u.organization_id ORDER BY e.id) AS environment_names
            FROM api_key k JOIN user_account u ON u.id = k.user_id WHERE k.id = ANY (\(ids)::bigint[]) ORDER BY k.id
            """
        )
        return try rows.map { row in
            let grant = try APIKeyStore.grant(row)
            return try APIKeyRecord(
                id: row["id"],
                user: User(id: row["user_id"], name: row["user_name"]),
                name: row["name"],
                description: row["description"],
                grant: grant,
                environmentNames: grant.environments == nil ? nil : row["environment_names"],
                lastUsedAt: row["last_used_at"],
                createdAt: row["created_at"]
            )
        }
    }
}
