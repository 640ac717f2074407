// SPDX-License-Identifier: Apache-2.0

package import Foundation
package import GantryModel
import Postgres

// What tenants do with keys. A key with the role `owner` looks after those of all users of its organization, any other
// after those of its own user; and none makes or touches a key that is stronger than itself.

extension APIKeyStore {
    /// A user may have so many.
    package static let maximumKeys = 100

    /// The keys that a tenant may see, oldest first.
    package func keys(for tenant: Tenant) async throws -> [APIKeyRecord] {
        try await database.read { transaction in
            let rows = try transaction.query(
                """
                SELECT k.id FROM api_key k JOIN user_account u ON u.id = k.user_id
                WHERE u.organization_id = \(tenant.organization)
                    AND (\(tenant.grant.role == .owner) OR k.user_id = \(tenant.user))
                """
            )
            return try APIKeyRecord.records(rows.map { try $0["id"] }, transaction)
        }
    }

    /// Makes a key for the tenant's own user, or, for an owner, for another one of the organization. What is not asked for
    /// is as in the tenant's own key.
    ///
    /// - Returns: what is known of it, and the key itself, which cannot be shown again.
    /// - Throws: ``ResourceRefusal`` with `notFound`, `forbidden` or `exhausted`.
    package func generate(
        _ wanted: KeyRequest,
        for user: UserID?,
        by tenant: Tenant
    ) async throws -> (record: APIKeyRecord, key: String) {
        let key = Secret.make(prefix: "gantry-")
        let record = try await database.transaction { transaction in
            let user = user ?? tenant.user
            // Users before their keys, as where a user is deleted.
            let hasRoom = try Self.lock(user, tenant, transaction)
            let own = try Self.lockGrant(of: tenant, transaction)
            guard user == tenant.user || own.role == .owner else { throw Self.forbidden() }
            try Self.check(hasRoom, of: user)
            let grant = try wanted.grant(changing: own, in: tenant.organization, transaction)
            if let lack = own.lack(for: grant) { throw ResourceRefusal(.forbidden, lack) }
            let new = NewAPIKey(name: wanted.name, description: wanted.description ?? "", grant: grant)
            return try Self.insert(new, key, for: user, transaction)
        }
        return (record, key)
    }

    /// Changes a key; what is not asked for stays.
    ///
    /// - Throws: ``ResourceRefusal`` with `notFound` or `forbidden`.
    package func update(_ id: APIKeyID, _ wanted: KeyRequest, by tenant: Tenant) async throws -> APIKeyRecord {
        try await database.transaction { transaction in
            let own = try Self.lockGrant(of: tenant, beside: id, transaction)
            let old = try Self.lockKey(id, tenant, own, transaction)
            let grant = try wanted.grant(changing: old, in: tenant.organization, transaction)
            if let lack = own.lack(for: grant) { throw ResourceRefusal(.forbidden, lack) }
            try transaction.execute(
                """
                UPDATE api_key SET name = \(wanted.name), description = coalesce(\(wanted.description), description),
                    role = \(grant.role), environments = \(grant.environments)::bigint[],
                    expires_at = \(grant.expiresAt)
                WHERE id = \(id)
                """
            )
            guard let record = try APIKeyRecord.records([id], transaction).first else { throw Self.notFound(id) }
            return record
        }
    }

    /// Ends a key, which may be the one that came with the request.
    ///
    /// - Throws: ``ResourceRefusal`` with `notFound` or `forbidden`.
    package func remove(_ id: APIKeyID, by tenant: Tenant) async throws {
        try await database.transaction { transaction in
            let own = try Self.lockGrant(of: tenant, beside: id, transaction)
            _ = try Self.lockKey(id, tenant, own, transaction)
            try transaction.execute("DELETE FROM api_key WHERE id = \(id)")
        }
    }

    // MARK: - Locks

    /// What the tenant's key may, as long as the transaction lasts. Whoever weakens or deletes that key waits, so that no
    /// key comes of one that is gone.
    ///
    /// - Parameters:
    ///   - tenant: whose key came with the request.
    ///   - other: a key that is to be locked too; in the order of their ids, so that two keys can touch each other.
    ///   - transaction: within which they are locked.
    /// - Returns: what the tenant's key may by now.
    /// - Throws: ``ResourceRefusal`` with `forbidden`.
    private static func lockGrant(
        of tenant: Tenant,
        beside other: APIKeyID? = nil,
        _ transaction: Transaction
    ) throws -> KeyGrant {
        let rows = try transaction.query(
            """
            SELECT id, role, environments IS NOT NULL AS limited, coalesce(environments, '{}') AS environments,
                expires_at, coalesce(expires_at <= now(), false) AS expired
            FROM api_key WHERE id IN (\(tenant.key), coalesce(\(other)::bigint, 0)) ORDER BY id FOR NO KEY UPDATE
            """
        )
        guard let row = try rows.first(where: { try $0["id"] == tenant.key }), try !row["expired"] else {
            throw ResourceRefusal(.forbidden, "This key was deleted or has expired; use another.")
        }
        let grant = try grant(row)
        guard grant.role > .readOnly else {
            throw ResourceRefusal(.forbidden, "This key is read-only by now; use a key with the role member or owner.")
        }
        return grant
    }

    /// Locks a user of the tenant's organization.
    ///
    /// - Returns: whether the user may have another key; nil when there is no such user.
    private static func lock(_ user: UserID, _ tenant: Tenant, _ transaction: Transaction) throws -> Bool? {
        let users = try transaction.query(
            """
            SELECT id FROM user_account WHERE id = \(user) AND organization_id = \(tenant.organization)
            FOR NO KEY UPDATE
            """
        )
        guard !users.isEmpty else { return nil }
        let rows = try transaction.query(
            "SELECT count(*) < \(maximumKeys) AS has_room FROM api_key WHERE user_id = \(user)"
        )
        return try rows.first?["has_room"]
    }

    private static func check(_ hasRoom: Bool?, of user: UserID) throws {
        guard let hasRoom else {
            throw ResourceRefusal(.notFound, "user_id: there is no user \(user) in your organization.")
        }
        guard hasRoom else {
            throw ResourceRefusal(.exhausted, "The user has \(maximumKeys) API keys; delete one that is not needed.")
        }
    }

    /// What another key may, unless it is one that the tenant's key may not touch.
    private static func lockKey(
        _ id: APIKeyID,
        _ tenant: Tenant,
        _ own: KeyGrant,
        _ transaction: Transaction
    ) throws -> KeyGrant {
        let rows = try transaction.query(
            """
            SELECT k.user_id, k.role, k.environments IS NOT NULL AS limited,
                coalesce(k.environments, '{}') AS environments, k.expires_at
            FROM api_key k JOIN user_account u ON u.id = k.user_id
            WHERE k.id = \(id) AND u.organization_id = \(tenant.organization) FOR NO KEY UPDATE OF k
            """
        )
        guard let row = rows.first else { throw notFound(id) }
        let user: UserID = try row["user_id"]
        guard user == tenant.user || own.role == .owner else { throw forbidden() }
        let grant = try grant(row)
        // How long it lasts gives no power over it.
        var unending = own
        unending.expiresAt = nil
        if let lack = unending.lack(for: grant) {
            throw ResourceRefusal(.forbidden, "API key \(id) is stronger than the key of this request. \(lack)")
        }
        return grant
    }

    private static func forbidden() -> ResourceRefusal {
        ResourceRefusal(
            .forbidden,
            "These are the keys of another user; a key with the role \(KeyRole.owner.andAbove) is needed."
        )
    }

    private static func notFound(_ id: APIKeyID) -> ResourceRefusal {
        ResourceRefusal(.notFound, "API key \(id) does not exist.")
    }
}

/// What a tenant asks of a key.
package struct KeyRequest: Sendable, Hashable {
    package var name: String
    package var description: String?
    package var role: KeyRole?
    /// By their names.
    package var environments: [String]?
    package var expiresAt: Date?

    package init(
        name: String,
        description: String? = nil,
        role: KeyRole? = nil,
        environments: [String]? = nil,
        expiresAt: Date? = nil
    ) {
        (self.name, self.description, self.role) = (name, description, role)
        (self.environments, self.expiresAt) = (environments, expiresAt)
    }

    /// A grant with what is asked for.
    ///
    /// - Throws: ``ResourceRefusal`` with `notFound` for an environment.
    fileprivate func grant(
        changing grant: KeyGrant,
        in organization: OrganizationID,
        _ transaction: Transaction
    ) throws -> KeyGrant {
        try KeyGrant(
            role: role ?? grant.role,
            environments: ids(in: organization, transaction) ?? grant.environments,
            expiresAt: expiresAt ?? grant.expiresAt
        )
    }

    private func ids(in organization: OrganizationID, _ transaction: Transaction) throws -> [EnvironmentID]? {
        guard let environments else { return nil }
        let rows = try transaction.query(
            """
            SELECT id, name FROM environment
            WHERE organization_id = \(organization) AND name = ANY (\(environments)::text[]) ORDER BY id
            """
        )
        let known: [String] = try rows.map { try $0["name"] }
        if let name = environments.first(where: { !known.contains($0) }) {
            throw ResourceRefusal.missing("environments", "environment", name)
        }
        return try rows.map { try $0["id"] }
    }
}
