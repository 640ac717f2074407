// SPDX-License-Identifier: Apache-2.0

import Logging
import Postgres

/// Waits for the database at start, and brings it to the newest schema.
struct DatabaseStart: Sendable {
    let database: Database
    let logger: Logger

    /// A database that is away is waited for, since machines boot in any order; anything else is an operator's matter.
    func run() async throws {
        var delay = 0.2
        while true {
            do {
                let applied = try await Schema.migrate(database)
                try await Restoration.beginIfMoved(database, logger: logger)
                if !applied.isEmpty { logger.notice("Schema brought up to date", metadata: ["steps": "\(applied)"]) }
                return
            } catch let error as PostgresError where error.kind == .connection {
                logger.warning("The database does not answer; waiting for it.", metadata: ["error": "\(error)"])
                try await Task.sleep(for: .seconds(delay * Double.random(in: 0.5...1)))
                delay = min(delay * 2, 10)
            }
        }
    }
}
