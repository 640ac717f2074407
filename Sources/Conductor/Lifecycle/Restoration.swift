// SPDX-License-Identifier: Apache-2.0

package import GantryModel
package import Logging
package import Postgres

/// What follows when the database came from a backup: hosts did since what it knows nothing of.
///
/// Nothing is placed on a node, and no task is made for it, until its agent has begun a session after the restore, in which
/// it says what its host holds (``HostSurvey``). All numbers that hosts compare leap past any that they can have seen, so
/// that what is wanted now is newer than what was wanted in the time that is lost, and no id means two things.
package enum Restoration {
    /// More than an hour's, or a month's, changes of anything.
    private static let leap: Int64 = 1_000_000

    /// Begins it when the tables are not where they were when a conductor last looked: in another cluster or database, made
    /// anew by a restore, or on another timeline, as after a recovery or the promotion of a standby.
    ///
    /// - Returns: whether it began.
    @discardableResult
    package static func beginIfMoved(_ database: Database, logger: Logger) async throws -> Bool {
        let isSame = try await database.read { transaction in
            try transaction.query("SELECT place = \(raw: place) AS is_same FROM database_place").first?["is_same"]
                ?? false
        }
        guard !isSame else { return false }
        let begins = try await database.transaction { transaction in
            let isFirst = try transaction.execute(
                "INSERT INTO database_place (place) VALUES (\(raw: place)) ON CONFLICT DO NOTHING"
            )
            guard isFirst == 0, try lock(transaction) else { return false }
            try begin(transaction)
            return true
        }
        if begins {
            logger.error(
                "The database was restored from a backup, or a standby took over: each node takes machines again when its agent has said what its host holds."
            )
        }
        return begins
    }

    /// Begins it at an operator's word, where nothing shows: after a restored copy of the cluster's files.
    package static func begin(_ database: Database) async throws {
        try await database.transaction { transaction in
            _ = try lock(transaction)
            try begin(transaction)
        }
    }

    /// Goes on without nodes whose hosts do not come back: floating IPs and networks do not wait for them any more.
    ///
    /// - Throws: ``NodeRefusal`` with `conflict` for a name of which no node is waited for; nothing was changed then.
    package static func goOn(_ database: Database, without lost: [NodeName]) async throws {
        try await database.transaction { transaction in
            for name in lost {
                let count = try transaction.execute(
                    "UPDATE compute_node SET awaited = false WHERE name = \(name) AND awaited"
                )
                guard count == 1 else {
                    throw NodeRefusal(
                        .conflict,
                        "No node named \(name) is waited for; `gantry node list` shows as unsurveyed what is not heard yet."
                    )
                }
            }
        }
    }

    /// One conductor does it, and those that come at the same time find it done.
    ///
    /// - Returns: whether the tables were elsewhere.
    private static func lock(_ transaction: Transaction) throws -> Bool {
        let rows = try transaction.query("SELECT place <> \(raw: place) AS has_moved FROM database_place FOR UPDATE")
        return try rows.first?["has_moved"] ?? false
    }

    private static func begin(_ transaction: Transaction) throws {
        _ = try transaction.together([
            "SELECT FROM virtual_machine WHERE deleted_at IS NULL ORDER BY id FOR UPDATE",
            // What was on its way between two nodes has arrived since, or was deleted.
            """
            UPDATE virtual_machine SET generation = generation + \(leap),
                starts_elsewhere = starts_elsewhere AND node_id IS NOT NULL AND NOT evicting
            WHERE deleted_at IS NULL
            """,
            """
            UPDATE compute_node
            SET unsurveyed = true, awaited = true, epoch = epoch + \(leap), revision = revision + \(leap)
            """,
            // One may have been used since.
            "UPDATE join_token SET revoked_at = now() WHERE used_at IS NULL AND revoked_at IS NULL",
            """
            SELECT setval(format('%I.%I', schemaname, sequencename)::regclass, coalesce(last_value, 0) + \(leap))
            FROM pg_sequences WHERE schemaname = current_schema()
            """,
            "UPDATE database_place SET place = \(raw: place)",
        ])
    }

    private static let place: StaticString = """
        (SELECT concat_ws(' ', c.system_identifier, substring(pg_walfile_name(pg_current_wal_insert_lsn()) FOR 8), d.oid,
            'database_place'::regclass::oid) FROM pg_control_system() c, pg_database d WHERE d.datname = current_database())
        """
}
