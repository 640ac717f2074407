// SPDX-License-Identifier: Apache-2.0

import Conductor
import GantryTestSupport
import Logging
import Observability
import Postgres
import Testing

@Suite("The conductor says what is wrong with its database")
struct DatabaseWatchTests {
    private func withWatch(_ body: (Cloud, Health) async throws -> Void) async throws {
        try await Cloud.with { cloud in
            let health = Health()
            let watch = DatabaseWatch(
                database: cloud.database,
                health: health,
                interval: .milliseconds(50),
                logger: Logger(label: "test")
            )
            try await withServices([watch]) {
                try await eventually("all is well") { health.conditions == ["postgresql": .well, "outbox": .well] }
                try await body(cloud, health)
            }
        }
    }

    @Test("A schema that another program brought it to")
    func schema() async throws {
        try await withWatch { cloud, health in
            let (own, other) = (Schema.newest, Schema.newest + 1000)
            try await cloud.database.transaction {
                try $0.execute("UPDATE schema_migration SET number = number + 1000")
            }
            try await eventually("it is told") {
                health.complaints.first?.reason
                    == "The database has schema \(other), this conductor's is \(own). Upgrade it."
            }
            try await cloud.database.transaction {
                try $0.execute("UPDATE schema_migration SET number = number - 1000")
            }
            try await eventually("it is well") { health.complaints.isEmpty }
        }
    }

    @Test("Tasks that wait for minutes")
    func outbox() async throws {
        try await withWatch { cloud, health in
            try await cloud.addNode("one")
            _ = try await cloud.createOne()
            try await cloud.database.transaction {
                try $0.execute("UPDATE task_outbox SET created_at = now() - interval '299 s'")
            }
            try await eventually("they are told") { health.complaints.map(\.part) == ["outbox"] }
            try await cloud.database.transaction { try $0.execute("DELETE FROM task_outbox") }
            try await eventually("it is well") { health.complaints.isEmpty }
        }
    }
}
