// SPDX-License-Identifier: Apache-2.0

/// One numbered step of the schema.
public struct Migration: Sendable {
    /// From 1, without gaps.
    public let number: Int
    /// What it is about, for the log.
    public let name: String
    public let sql: String

    public init(number: Int, name: String, sql: String) {
        (self.number, self.name, self.sql) = (number, name, sql)
    }
}

/// Brings a database's schema forward, one program at a time.
public struct Migrator: Sendable {
    /// Why a schema was not touched.
    public enum Refusal: Error, Hashable, Sendable, CustomStringConvertible {
        /// The database was migrated by a newer program.
        case newer(database: Int, program: Int)
        /// A step that was applied reads differently now.
        case changed(number: Int)

        public var description: String {
            switch self {
            case .newer(let database, let program):
                "The database has schema \(database), this program knows up to \(program). Run the newer program, or "
                    + "restore the backup made before its first start."
            case .changed(let number):
                "Migration \(number) was applied with other contents. Applied migrations are never edited; add a new one."
            }
        }
    }

    /// Any number that other users of the database do not lock.
    private static let lock = 0x6761_6E74_7279

    private let migrations: [Migration]

    public init(_ migrations: [Migration]) {
        self.migrations = migrations.sorted { $0.number < $1.number }
    }

    /// Applies what is missing, all in one transaction, and says which numbers that were.
    public func run(on database: Database) async throws -> [Int] {
        try await database.transaction { transaction in
            try transaction.execute("SELECT pg_advisory_xact_lock(\(Self.lock)::bigint)")
            try transaction.execute(
                """
                CREATE TABLE IF NOT EXISTS schema_migration (
                    number bigint PRIMARY KEY, name text NOT NULL, digest text NOT NULL,
                    applied_at timestamptz NOT NULL DEFAULT now())
                """
            )
            let applied = try applied(transaction)
            if let newest = applied.keys.max(), newest > (migrations.last?.number ?? 0) {
                throw Refusal.newer(database: newest, program: migrations.last?.number ?? 0)
            }
            return try migrations.compactMap { try apply($0, transaction, known: applied[$0.number]) }
        }
    }

    private func applied(_ transaction: Transaction) throws -> [Int: String] {
        let rows = try transaction.query("SELECT number, digest FROM schema_migration")
        return try Dictionary(uniqueKeysWithValues: rows.map { try ($0["number"], $0["digest"]) })
    }

    private func apply(_ migration: Migration, _ transaction: Transaction, known: String?) throws -> Int? {
        let rows = try transaction.query(
            "SELECT encode(sha256(convert_to(\(migration.sql)::text, 'UTF8')), 'hex') AS digest"
        )
        guard let digest: String = try rows.first?["digest"] else { return nil }
        guard known == nil else {
            guard known == digest else { throw Refusal.changed(number: migration.number) }
            return nil
        }
        try transaction.script(migration.sql)
        try transaction.execute(
            "INSERT INTO schema_migration (number, name, digest) VALUES (\(migration.number), \(migration.name), \(digest))"
        )
        return migration.number
    }
}
