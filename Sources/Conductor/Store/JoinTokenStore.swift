// SPDX-License-Identifier: Apache-2.0

package import Foundation
package import GantryModel
import GantryProtocol
package import Postgres

/// What is known of a join token, which is not the token.
package struct JoinTokenRecord: Sendable, Hashable {
    package enum State: String, Sendable, Hashable {
        case valid
        case used
        case revoked
        case expired
    }

    package var id: JoinTokenID
    package var regionName: String
    /// The only host that may use it; nil for any.
    package var hostname: String?
    package var state: State
    /// What the host became.
    package var node: NodeName?
    package var usedAt: Date?
    package var expiresAt: Date
    package var createdAt: Date
}

/// The tokens with which hosts join, for operators. Only their digests are kept.
package struct JoinTokenStore: Sendable {
    private let database: Database

    package init(database: Database) {
        self.database = database
    }

    /// Makes a token.
    ///
    /// - Parameters:
    ///   - region: of the node to be.
    ///   - hostname: the only host that may use it; nil for any.
    ///   - lifetime: after which it is good for nothing.
    /// - Returns: it and its secret, which cannot be shown again.
    /// - Throws: ``ResourceRefusal`` with `notFound` when the region is gone.
    package func create(
        region: RegionID,
        hostname: String? = nil,
        lifetime: Duration
    ) async throws -> (record: JoinTokenRecord, secret: String) {
        let secret = Secret.make(prefix: JoinToken.prefix)
        do {
            let record = try await database.transaction { transaction in
                let rows = try transaction.query(
                    """
                    INSERT INTO join_token (digest, region_id, hostname, expires_at)
                    VALUES (\(APIKeyStore.digest(of: secret)), \(region), \(hostname),
                        now() + make_interval(secs => \(Int(lifetime.components.seconds))))
                    RETURNING id
                    """
                )
                return try Self.records(try rows.map { try $0["id"] }, transaction).first
            }
            if let record { return (record, secret) }
        } catch let error as PostgresError where error.sqlState == "23503" {}
        throw ResourceRefusal(.notFound, "The region does not exist.")
    }

    /// One page of them, newest first.
    package func tokens(_ query: ListQuery = ListQuery()) async throws -> Page<JoinTokenRecord> {
        try await database.read { transaction in
            let found = try transaction.query(
                """
                SELECT (SELECT count(*) FROM join_token) AS count, ARRAY(
                    SELECT id FROM join_token ORDER BY id DESC
                    LIMIT \(query.limit)::bigint OFFSET \(query.offset)::bigint
                ) AS ids
                """
            )
            return try Page(found) { try Self.records($0, transaction) }
        }
    }

    /// Makes a token good for nothing; the node that a host became with it stays.
    ///
    /// - Throws: ``ResourceRefusal`` with `notFound`.
    package func revoke(_ id: JoinTokenID) async throws -> JoinTokenRecord {
        try await database.transaction { transaction in
            try transaction.execute(
                "UPDATE join_token SET revoked_at = now() WHERE id = \(id) AND revoked_at IS NULL"
            )
            guard let record = try Self.records([id], transaction).first else {
                throw ResourceRefusal(.notFound, "Join token \(id) does not exist.")
            }
            return record
        }
    }

    private static func records(_ ids: [JoinTokenID], _ transaction: Transaction) throws -> [JoinTokenRecord] {
        try transaction.query(
            """
            SELECT t.id, r.name AS region_name, t.hostname, n.name AS node_name, t.used_at, t.expires_at, t.created_at,
                CASE WHEN t.revoked_at IS NOT NULL THEN 'revoked' WHEN t.used_at IS NOT NULL THEN 'used'
                     WHEN t.expires_at <= now() THEN 'expired' ELSE 'valid' END AS state
            FROM join_token t JOIN region r ON r.id = t.region_id LEFT JOIN compute_node n ON n.id = t.node_id
            WHERE t.id = ANY (\(ids)::bigint[]) ORDER BY t.id DESC
            """
        )
        .map { row in
            try JoinTokenRecord(
                id: row["id"],
                regionName: row["region_name"],
                hostname: row["hostname"],
                state: row["state"],
                node: row["node_name"],
                usedAt: row["used_at"],
                expiresAt: row["expires_at"],
                createdAt: row["created_at"]
            )
        }
    }
}
