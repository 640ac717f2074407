// SPDX-License-Identifier: Apache-2.0

import Crypto
import Foundation
package import GantryModel
package import Postgres

/// A node whose agent has shown the node's key.
package struct NodeIdentity: Sendable, Hashable {
    package let id: NodeID
    package let name: NodeName

    package init(id: NodeID, name: NodeName) {
        (self.id, self.name) = (id, name)
    }
}

/// Lets agents in by their node's API key.
package struct NodeAuthenticator: Sendable {
    private let database: Database

    package init(database: Database) {
        self.database = database
    }

    /// The node of that name, if the key is its own: one node's key opens no other node's door. The first use of the key
    /// that its agent made at a rotation ends the one before.
    ///
    /// - Throws: ``NodeRefusal`` with `unauthorized`, the same for a wrong name and a wrong key.
    package func authenticate(_ key: String, as name: NodeName) async throws -> NodeIdentity {
        let presented = SHA256.hash(data: Data(key.utf8))
        // Another conductor may see the first use of a key too: who comes second finds it to be the key.
        for _ in 0..<2 {
            let rows = try await database.read { transaction in
                try transaction.query(
                    "SELECT id, api_key_digest, next_api_key_digest FROM compute_node WHERE name = \(name)"
                )
            }
            guard let row = rows.first else { break }
            let (current, next): (Data?, Data?) = try (row["api_key_digest"], row["next_api_key_digest"])
            // `SHA256Digest` of swift-crypto compares in constant time.
            if let current, presented == current { return NodeIdentity(id: try row["id"], name: name) }
            guard let next, presented == next else { break }
            try await replaceKey(of: try row["id"], by: next)
        }
        throw NodeRefusal(
            .unauthorized,
            "This is not the API key of a node named \(name). If its agent has no other, the host has to join again: "
                + "`gantry node revoke` says how."
        )
    }

    private func replaceKey(of node: NodeID, by next: Data) async throws {
        _ = try await database.transaction { transaction in
            try transaction.execute(
                """
                UPDATE compute_node
                SET api_key_digest = next_api_key_digest, rotated = next_rotation,
                    next_api_key_digest = NULL, next_rotation = NULL
                WHERE id = \(node) AND next_api_key_digest = \(next)
                """
            )
        }
    }
}
