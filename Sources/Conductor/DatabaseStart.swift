// SPDX-License-Identifier: Apache-2.0

package import Logging
package import Observability
package import Postgres

/// Waits for the database at start, and brings it to the newest schema.
package struct DatabaseStart: Sendable {
    private let database: Database
    private let manager: ServiceManager?
    private let logger: Logger

    /// - Parameters:
    ///   - database: the conductor's.
    ///   - manager: asked to wait for what takes long; nil where nobody waits.
    ///   - logger: told of what is waited for, and of what was done.
    package init(database: Database, manager: ServiceManager?, logger: Logger) {
        (self.database, self.manager, self.logger) = (database, manager, logger)
    }

    /// A database that is away is waited for, since machines boot in any order; anything else is an operator's matter.
    package func run() async throws {
        var delay = 0.2
        while true {
            do {
                _ = try await database.read { try $0.query("SELECT") }
                return try await prepare()
            } catch let error as PostgresError where error.kind == .connection {
                logger.warning("The database does not answer; waiting for it.", metadata: ["error": "\(error)"])
                try await Task.sleep(for: .seconds(delay * Double.random(in: 0.5...1)))
                delay = min(delay * 2, 10)
            }
        }
    }

    /// One transaction each, so that whoever ends it before its end has gained nothing. The service manager waits for that,
    /// but not for a database that is away: an operator's start shall fail then.
    private func prepare() async throws {
        async let _ = manager?.extendStart(for: "The database is brought up to date.")
        let applied = try await Schema.migrate(database)
        try await Restoration.beginIfMoved(database, logger: logger)
        if !applied.isEmpty { logger.notice("Schema brought up to date", metadata: ["steps": "\(applied)"]) }
    }
}
