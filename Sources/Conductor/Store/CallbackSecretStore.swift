// SPDX-License-Identifier: Apache-2.0

package import Foundation
package import GantryModel
package import Postgres

/// What is known of what an organization's callbacks are signed with, which is not the secret.
package struct CallbackSecretRecord: Sendable, Hashable {
    package var createdAt: Date
    /// Those before it that still sign, newest first.
    package var previous: [Previous]

    package struct Previous: Sendable, Hashable {
        package var createdAt: Date
        package var expiresAt: Date
    }
}

/// Organizations' secrets for callbacks.
package struct CallbackSecretStore: Sendable {
    private let database: Database

    /// As many signatures a callback has at most.
    private static let maximumCount = 4

    package init(database: Database) {
        self.database = database
    }

    /// - Throws: ``ResourceRefusal`` with `notFound` when none was made yet.
    package func secret(of organization: OrganizationID) async throws -> CallbackSecretRecord {
        try await database.read { try Self.record(of: organization, $0) }
    }

    /// Makes a new one. Those before it sign beside it for another day.
    ///
    /// - Returns: what is known of it, and the secret itself, which cannot be shown again.
    package func rotate(
        of organization: OrganizationID
    ) async throws -> (record: CallbackSecretRecord, secret: WebhookSecret) {
        let secret = WebhookSecret.make()
        let record = try await database.transaction { transaction in
            // Two that rotate at once come one after the other.
            _ = try transaction.query("SELECT FROM organization WHERE id = \(organization) FOR UPDATE")
            try transaction.execute(
                """
                UPDATE callback_secret SET expires_at = now() + interval '1 day'
                WHERE organization_id = \(organization) AND expires_at IS NULL
                """
            )
            try transaction.execute(
                "INSERT INTO callback_secret (organization_id, secret) VALUES (\(organization), \(secret.text))"
            )
            try transaction.execute(
                """
                DELETE FROM callback_secret WHERE organization_id = \(organization) AND id NOT IN (
                    SELECT id FROM callback_secret WHERE organization_id = \(organization)
                    ORDER BY id DESC LIMIT \(Self.maximumCount))
                """
            )
            return try Self.record(of: organization, transaction)
        }
        return (record, secret)
    }

    private static func record(
        of organization: OrganizationID,
        _ transaction: Transaction
    ) throws -> CallbackSecretRecord {
        let rows = try transaction.query(
            """
            SELECT created_at, expires_at FROM callback_secret
            WHERE organization_id = \(organization) AND (expires_at IS NULL OR expires_at > now()) ORDER BY id DESC
            """
        )
        guard let newest = rows.first else {
            throw ResourceRefusal(
                .notFound,
                "The organization has no callback secret yet, so its callbacks are not signed; make one with "
                    + "POST /v1/core/callbacks/secret/rotate."
            )
        }
        return try CallbackSecretRecord(
            createdAt: newest["created_at"],
            previous: rows.dropFirst().map { try .init(createdAt: $0["created_at"], expiresAt: $0["expires_at"]) }
        )
    }
}
