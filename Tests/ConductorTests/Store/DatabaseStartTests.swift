// SPDX-License-Identifier: Apache-2.0

import Conductor
import GantryTestSupport
import Logging
import Observability
import Postgres
import Synchronization
import Testing

@Suite("A conductor's start waits for its database, and systemd for what the conductor does to it")
struct DatabaseStartTests {
    private func with(_ body: (NotifySocket, ServiceManager) async throws -> Void) async throws {
        try await withTemporaryDirectory { folder in
            let socket = try await NotifySocket("\(folder)/notify")
            defer { socket.end() }
            let manager = ServiceManager(
                environment: ["NOTIFY_SOCKET": "\(folder)/notify"],
                parts: [],
                health: Health(),
                liveness: Liveness(),
                logger: Logger(label: "test")
            )
            try await body(socket, try #require(manager))
        }
    }

    /// Keeps a conductor from the schema, as another one does that migrates it.
    private func withMigration(_ url: String, _ body: () async throws -> Void) async throws {
        let database = Database(try DatabaseConfiguration(url: url))
        try await Schema.migrate(database)
        let isHeld = Mutex(false)
        let isOver = Mutex(false)
        async let migration: Void = database.transaction { transaction in
            try transaction.execute("LOCK TABLE schema_migration IN ACCESS EXCLUSIVE MODE")
            isHeld.withLock { $0 = true }
            while !isOver.withLock({ $0 }) { _ = try transaction.query("SELECT pg_sleep(0.02)") }
        }
        try await eventually("it is held") { isHeld.withLock { $0 } }
        let result = await Result<Void, any Error>.catching(body)
        isOver.withLock { $0 = true }
        try await migration
        try result.get()
    }

    @Test("While it migrates, or waits for another conductor that does, it asks for time")
    func migration() async throws {
        try await with { socket, manager in
            try await withTemporaryDatabaseURL { url in
                let database = Database(try DatabaseConfiguration(url: url))
                let start = DatabaseStart(database: database, manager: manager, logger: Logger(label: "test"))
                var started: Task<Void, any Error>?
                try await withMigration(url) {
                    started = Task { try await start.run() }
                    try await eventually("it asks") { socket.count("EXTEND_TIMEOUT_USEC=60000000") == 1 }
                    #expect(socket.words.contains("STATUS=The database is brought up to date."))
                }
                try await #require(started).value
            }
        }
    }

    @Test("While the database is away it asks for none, so that a start that is of no use fails")
    func away() async throws {
        try await with { socket, manager in
            // Port 9 is that of the discard protocol, on which nothing listens.
            let database = Database(try DatabaseConfiguration(url: "postgresql://127.0.0.1:9/none"))
            let log = TestLog()
            let start = Task { try await DatabaseStart(database: database, manager: manager, logger: log.logger).run() }
            try await eventually("it waits") { log.count("waiting for it") > 1 }
            start.cancel()
            await #expect(throws: CancellationError.self) { try await start.value }
            #expect(socket.words == "")
        }
    }
}
