// SPDX-License-Identifier: Apache-2.0

import Logging
import Observability
import Postgres
import ServiceLifecycle

/// Asks the database every few seconds whether it answers, for `/healthz`.
struct DatabaseWatch: Service {
    let database: Database
    let health: Health
    let logger: Logger

    func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                await look()
                try? await Task.sleep(for: .seconds(5))
            }
        }
    }

    private func look() async {
        do {
            _ = try await database.read { try $0.query("SELECT 1") }
            health.report("postgresql", .well)
        } catch is CancellationError {
            return
        } catch {
            health.report("postgresql", .ill("\(error)"))
            logger.warning("The database does not answer.", metadata: ["error": "\(error)"])
        }
    }
}
