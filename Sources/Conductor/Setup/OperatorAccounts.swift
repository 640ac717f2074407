// SPDX-License-Identifier: Apache-2.0

import GantryModel
package import Postgres

/// Makes operators from the command line, since over the API it takes one to make one.
package struct OperatorAccounts: Sendable {
    private let database: Database

    package init(database: Database) {
        self.database = database
    }

    /// Makes the operator of that name where there is none, and a key.
    ///
    /// - Returns: the key, which cannot be shown again.
    package func newKey(of name: String) async throws -> String {
        let key = Secret.make(prefix: "gantry-operator-")
        try await database.transaction { transaction in
            try transaction.execute(
                """
                WITH made AS (
                    INSERT INTO user_account (name) VALUES (\(name)) ON CONFLICT DO NOTHING RETURNING id
                ), account AS (
                    SELECT id FROM made
                    UNION SELECT id FROM user_account WHERE organization_id IS NULL AND name = \(name)
                )
                INSERT INTO api_key (user_id, name, digest)
                SELECT id, 'command line', \(APIKeyStore.digest(of: key)) FROM account LIMIT 1
                """
            )
        }
        return key
    }
}
