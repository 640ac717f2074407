// SPDX-License-Identifier: Apache-2.0

import GantryTestSupport
import Postgres
import Testing

@Suite("Migrations run forward, once")
struct MigratorTests {
    private let first = Migration(number: 1, name: "first", sql: "CREATE TABLE a (n bigint); INSERT INTO a VALUES (1);")
    private let second = Migration(number: 2, name: "second", sql: "INSERT INTO a VALUES (2)")

    @Test("Many programs that start at once apply each step once")
    func once() async throws {
        try await withTemporaryDatabase { configuration in
            let migrator = Migrator([second, first])
            let applied = try await withThrowingTaskGroup(of: [Int].self) { group in
                for _ in 0..<16 {
                    group.addTask {
                        var one = configuration
                        one.maximumConnections = 1
                        return try await migrator.run(on: Database(one))
                    }
                }
                return try await group.reduce(into: []) { $0 += $1 }
            }
            #expect(applied == [1, 2])
        }
    }

    @Test("A step that fails leaves nothing of the run behind")
    func failure() async throws {
        try await withTemporaryDatabase { configuration in
            let database = Database(configuration)
            let broken = Migration(number: 2, name: "broken", sql: "INSERT INTO a VALUES (2); SELECT 1 / 0")
            await #expect(throws: PostgresError.self) { try await Migrator([first, broken]).run(on: database) }
            let applied = try await Migrator([first, second]).run(on: database)
            #expect(applied == [1, 2])
        }
    }

    @Test("A newer database and an edited step are refused")
    func refusals() async throws {
        try await withTemporaryDatabase { configuration in
            let database = Database(configuration)
            _ = try await Migrator([first, second]).run(on: database)
            await #expect(throws: Migrator.Refusal.newer(database: 2, program: 1)) {
                try await Migrator([first]).run(on: database)
            }
            let edited = Migration(number: 1, name: "first", sql: "CREATE TABLE b (n bigint)")
            await #expect(throws: Migrator.Refusal.changed(number: 1)) {
                try await Migrator([edited, second]).run(on: database)
            }
        }
    }
}
