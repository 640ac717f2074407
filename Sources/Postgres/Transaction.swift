// SPDX-License-Identifier: Apache-2.0

/// What a database closure works with. It is bound to its connection's thread and ends with the closure.
///
/// The closure is synchronous, so that no transaction can stay open while something is awaited.
public final class Transaction {
    private let session: Session
    /// Whether BEGIN is still to be sent; it travels with the first statement.
    private var owesBegin: Bool

    init(_ session: Session, begins: Bool) {
        (self.session, owesBegin) = (session, begins)
    }

    /// The rows of a statement.
    public func query(_ statement: SQL) throws(PostgresError) -> [Row] {
        try run(statement).rows
    }

    /// Runs a statement and says how many rows it touched.
    @discardableResult
    public func execute(_ statement: SQL) throws(PostgresError) -> Int {
        try run(statement).affected
    }

    /// Runs statements, one after the other, in one round trip: for those that do not need what the ones before them
    /// answer. When one fails, those after it are not run.
    ///
    /// - Returns: a result for each.
    /// - Throws: the error of the first that failed.
    public func together(_ statements: [SQL]) throws(PostgresError) -> [QueryResult] {
        guard owesBegin else { return try session.run(statements) }
        owesBegin = false
        return Array(try session.run(["BEGIN"] + statements).dropFirst())
    }

    private func run(_ statement: SQL) throws(PostgresError) -> QueryResult {
        guard owesBegin else { return try session.run(statement) }
        owesBegin = false
        return try session.run(["BEGIN", statement])[1]
    }

    /// Runs `body`; when it throws, what it did is undone and the transaction goes on.
    public func savepoint<Value>(_ body: () throws -> Value) throws -> Value {
        try script("SAVEPOINT inner_work")
        do {
            let value = try body()
            try session.script("RELEASE SAVEPOINT inner_work")
            return value
        } catch {
            try session.script("ROLLBACK TO SAVEPOINT inner_work; RELEASE SAVEPOINT inner_work")
            throw error
        }
    }

    /// Runs text that may hold several statements, such as a migration.
    func script(_ text: String) throws(PostgresError) {
        if owesBegin { try session.script("BEGIN") }
        owesBegin = false
        try session.script(text)
    }
}
