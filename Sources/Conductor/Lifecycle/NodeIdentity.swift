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

    /// The node of that name, if the key is its own: one node's key opens no other node's door.
    ///
    /// - Throws: ``NodeRefusal`` with `unauthorized`, the same for a wrong name and a wrong key.
    package func authenticate(_ key: String, as name: NodeName) async throws -> NodeIdentity {
        let presented = SHA256.hash(data: Data(key.utf8))
        let rows = try await database.read { transaction in
            try transaction.query("SELECT id, api_key_digest FROM compute_node WHERE name = \(name)")
        }
        // `SHA256Digest` of swift-crypto compares in constant time.
        guard let row = rows.first, presented == (try row["api_key_digest"] as Data) else {
            throw NodeRefusal(
                .unauthorized,
                "This is not the API key of a node named \(name); see `gantry admin node` for its credentials."
            )
        }
        return NodeIdentity(id: try row["id"], name: name)
    }
}
