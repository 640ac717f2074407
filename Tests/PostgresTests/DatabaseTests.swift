// SPDX-License-Identifier: Apache-2.0

import GantryTestSupport
import Postgres
import Synchronization
import Testing

@Suite("Transactions hold, are retried when it helps, and outlive lost connections")
struct DatabaseTests {
    @Test("What a transaction did is undone when it throws, and a savepoint undoes its part alone")
    func rollback() async throws {
        struct Stop: Error {}
        try await withTemporaryDatabase { configuration in
            let database = Database(configuration)
            try await database.transaction { try $0.execute("CREATE TABLE t (n bigint PRIMARY KEY)") }
            await #expect(throws: Stop.self) {
                try await database.transaction { transaction in
                    try transaction.execute("INSERT INTO t VALUES (1)")
                    throw Stop()
                }
            }
            try await database.transaction { transaction in
                try transaction.execute("INSERT INTO t VALUES (2)")
                try? transaction.savepoint {
                    try transaction.execute("INSERT INTO t VALUES (3)")
                    throw Stop()
                }
            }
            let numbers: [Int] = try await database.read { try $0.query("SELECT n FROM t").map { try $0["n"] } }
            #expect(numbers == [2])
        }
    }

    @Test("A violated constraint is named")
    func constraint() async throws {
        try await withTemporaryDatabase { configuration in
            let database = Database(configuration)
            try await database.transaction {
                try $0.execute("CREATE TABLE t (n bigint CONSTRAINT only_one UNIQUE)")
                try $0.execute("INSERT INTO t VALUES (1)")
            }
            let error = await #expect(throws: PostgresError.self) {
                try await database.transaction { try $0.execute("INSERT INTO t VALUES (1)") }
            }
            #expect(error?.isUniqueViolation("only_one") == true)
            #expect(error?.isUniqueViolation("another") == false)
        }
    }

    @Test("Two transactions that deadlock both succeed in the end")
    func deadlock() async throws {
        try await withTemporaryDatabase { configuration in
            let database = Database(configuration)
            try await database.transaction {
                try $0.execute("CREATE TABLE t (id bigint PRIMARY KEY, n bigint)")
                try $0.execute("INSERT INTO t VALUES (1, 0), (2, 0)")
            }
            let meeting = Meeting()
            let runs = try await withThrowingTaskGroup(of: Int.self) { group in
                group.addTask { try await Self.raise(1, then: 2, in: database, meeting) }
                group.addTask { try await Self.raise(2, then: 1, in: database, meeting) }
                return try await group.reduce(0, +)
            }
            #expect(runs == 3)
            let sums: [Int] = try await database.read { try $0.query("SELECT n FROM t").map { try $0["n"] } }
            #expect(sums == [2, 2])
        }
    }

    @Test("A connection that the server ended is replaced, and its transaction run again")
    func terminated() async throws {
        try await withTemporaryDatabase { configuration in
            let database = Database(configuration)
            let killer = Database(configuration)
            let runs = Mutex(0)
            try await database.transaction { transaction in
                let pid: Int = try transaction.query("SELECT pg_backend_pid() AS pid")[0]["pid"]
                guard
                    runs.withLock({
                        $0 += 1
                        return $0
                    }) == 1
                else { return }
                try Self.wait {
                    _ = try await killer.read { try $0.execute("SELECT pg_terminate_backend(\(pid)::int)") }
                }
                try transaction.execute("SELECT 1")
            }
            #expect(runs.withLock { $0 } == 2)
        }
    }

    @Test("More callers than connections all get their turn, and a cancelled one leaves the queue")
    func pool() async throws {
        try await withTemporaryDatabase { configuration in
            var small = configuration
            small.maximumConnections = 2
            let database = Database(small)
            let sum = try await withThrowingTaskGroup(of: Int.self) { group in
                for number in 1...50 {
                    group.addTask {
                        try await database.read { try $0.query("SELECT \(number)::bigint AS n")[0]["n"] }
                    }
                }
                return try await group.reduce(0, +)
            }
            #expect(sum == 1275)
            let cancelled = Task { try await database.read { try $0.execute("SELECT 1") } }
            cancelled.cancel()
            _ = await cancelled.result
            try await database.read { try $0.execute("SELECT 1") }
        }
    }

    @Test("A notification arrives, and a new listener is told to look at once")
    func notifications() async throws {
        try await withTemporaryDatabase { configuration in
            let database = Database(configuration)
            var iterator = database.notifications(channel: "work").makeAsyncIterator()
            #expect(await iterator.next() != nil)
            try await database.transaction { try $0.execute("SELECT pg_notify('work', '')") }
            #expect(await iterator.next() != nil)
        }
    }

    /// Counts the runs it took to raise two rows, the second only when another has its first as well.
    private static func raise(
        _ first: Int,
        then second: Int,
        in database: Database,
        _ meeting: Meeting
    ) async throws -> Int {
        let runs = Meeting()
        try await database.transaction { transaction in
            try transaction.execute("UPDATE t SET n = n + 1 WHERE id = \(first)")
            runs.arrive()
            meeting.arrive()
            while meeting.count < 2 {}
            try transaction.execute("UPDATE t SET n = n + 1 WHERE id = \(second)")
        }
        return runs.count
    }

    /// Runs something asynchronous from a transaction's synchronous body.
    private static func wait(_ work: @escaping @Sendable () async throws -> Void) throws {
        let done = Mutex<Result<Void, any Error>?>(nil)
        Task.detached {
            do {
                try await work()
                done.withLock { $0 = .success(()) }
            } catch {
                done.withLock { $0 = .failure(error) }
            }
        }
        while true {
            if let result = done.withLock({ $0 }) { return try result.get() }
        }
    }
}

private final class Meeting: Sendable {
    private let arrived = Mutex(0)
    var count: Int { arrived.withLock { $0 } }

    func arrive() {
        arrived.withLock { $0 += 1 }
    }
}
