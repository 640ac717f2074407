// SPDX-License-Identifier: Apache-2.0

package import Logging
package import Observability
package import Postgres
import ServiceLifecycle

/// Asks the database every few seconds whether it answers, whether its schema is the program's, and how long tasks wait
/// in it, for `/readyz`.
package struct DatabaseWatch: Service {
    private let database: Database
    private let health: Health
    private let interval: Duration
    private let logger: Logger

    /// The parts that it speaks for.
    static let (database, outbox) = ("postgresql", "outbox")
    /// Longer than what is tried again waits when all goes well.
    private static let longestWait = 300.0

    package init(database: Database, health: Health, interval: Duration = .seconds(5), logger: Logger) {
        (self.database, self.health, self.interval, self.logger) = (database, health, interval, logger)
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                await look()
                try? await Task.sleep(for: interval)
            }
        }
    }

    private func look() async {
        do {
            let look = try await database.read { try DatabaseLook($0) }
            health.report(Self.database, Self.condition(schema: look.schema))
            health.report(
                Self.outbox,
                look.wait < Self.longestWait ? .well : .ill("The oldest task waits for \(Int(look.wait)) s to be sent.")
            )
        } catch is CancellationError {
            return
        } catch {
            health.report(Self.database, .ill("\(error)"))
            logger.warning("The database does not answer.", metadata: ["error": "\(error)"])
        }
    }

    private static func condition(schema: Int) -> Health.Condition {
        if schema == Schema.newest { return .well }
        return .ill(
            "The database has schema \(schema), this conductor's is \(Schema.newest). "
                + (schema < Schema.newest ? "Start it anew, and it brings the database there." : "Upgrade it.")
        )
    }
}

/// What ``DatabaseWatch`` sees.
private struct DatabaseLook: Sendable {
    let schema: Int
    /// Seconds since the oldest task was to be sent.
    let wait: Double

    init(_ transaction: Transaction) throws {
        let rows = try transaction.query(
            """
            SELECT (SELECT coalesce(max(number), 0) FROM schema_migration) AS schema,
                (SELECT coalesce(extract(epoch FROM now() - min(created_at)), 0) FROM task_outbox)::double precision AS wait
            """
        )
        schema = try rows[0]["schema"]
        wait = try rows[0]["wait"]
    }
}
