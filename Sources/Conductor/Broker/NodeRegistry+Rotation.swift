// SPDX-License-Identifier: Apache-2.0

import Foundation
package import GantryModel
package import GantryProtocol
import Postgres

extension NodeRegistry {
    /// Asks a node's agent for new secrets, by the answer to its next report. The old ones hold until it uses them.
    ///
    /// - Throws: ``NodeRefusal`` with `notFound`; with `conflict` for a node whose secrets were revoked.
    package func requestRotation(of name: NodeName) async throws {
        let isRevoked = try await database.transaction { transaction -> Bool? in
            let rows = try transaction.query(
                """
                UPDATE compute_node SET rotation = rotation + (api_key_digest IS NOT NULL)::integer
                WHERE name = \(name) RETURNING api_key_digest IS NULL AS revoked
                """
            )
            return try rows.first?["revoked"]
        }
        guard let isRevoked else { throw Self.notFound(name) }
        if isRevoked {
            throw NodeRefusal(.conflict, "The secrets of node \(name) were revoked; its host has to join again.")
        }
    }

    /// Takes the secrets that a node's agent has, or made for a rotation. It may be repeated.
    ///
    /// - Throws: ``NodeRefusal`` with `notFound` for a rotation that is not to be done, with `unauthorized` when they were
    ///   revoked meanwhile.
    package func take(_ request: NodeCredentialsRequest, of node: NodeIdentity) async throws {
        try NodeRefusal.check(protocolVersion: request.protocolVersion)
        try request.credentials.check()
        let digest = APIKeyStore.digest(of: request.credentials.apiKey)
        let isNew = try await database.transaction { transaction in
            try Self.note(digest, for: request.rotation, of: node, transaction)
        }
        try await setUpBroker(node.name, request.credentials)
        if isNew { try await broker.closeConnections(of: node.name) }
    }

    /// - Returns: whether they are others than the node's present ones.
    private static func note(
        _ digest: Data,
        for rotation: Int64,
        of node: NodeIdentity,
        _ transaction: Transaction
    ) throws -> Bool {
        let rows = try transaction.query(
            """
            SELECT api_key_digest IS NOT DISTINCT FROM \(digest) AS present,
                rotation = \(rotation)::bigint AND rotated < rotation AS asked
            FROM compute_node WHERE id = \(node.id) AND api_key_digest IS NOT NULL FOR UPDATE
            """
        )
        guard let row = rows.first else {
            throw NodeRefusal(.unauthorized, "The secrets of node \(node.name) were revoked.")
        }
        if try row["present"] { return false }
        guard try row["asked"] else {
            throw NodeRefusal(.notFound, "Rotation \(rotation) of the secrets of node \(node.name) is not to be done.")
        }
        try transaction.execute(
            """
            UPDATE compute_node SET next_api_key_digest = \(digest), next_rotation = \(rotation) WHERE id = \(node.id)
            """
        )
        return true
    }

    /// Ends a node's secrets at once, for when somebody else may have them. What runs there goes on, and its host is the
    /// node again when it has joined with a token that is for it. It may be repeated.
    ///
    /// - Throws: ``NodeRefusal`` with `notFound`.
    package func revoke(_ name: NodeName) async throws {
        let exists = try await database.transaction { transaction in
            try transaction.execute(
                """
                UPDATE compute_node
                SET api_key_digest = NULL, next_api_key_digest = NULL, next_rotation = NULL, rotated = rotation
                WHERE name = \(name)
                """
            ) == 1
        }
        guard exists else { throw Self.notFound(name) }
        try await broker.deleteUser(of: name)
    }
}
