// SPDX-License-Identifier: Apache-2.0

/// What a database closure works with. It is bound to its connection's thread and ends with the closure.
///
/// The closure is synchronous, so that no transaction can stay open while something is awaited.
public final class Transaction {
    private let session: Session

    init(_ session: Session) {
        self.session = session
    }

    /// The rows of a statement.
    public func query(_ statement: SQL) throws(PostgresError) -> [Row] {
        try session.run(statement).rows
    }

    /// Runs a statement and says how many rows it touched.
    @discardableResult
    public func execute(_ statement: SQL) throws(PostgresError) -> Int {
        try session.run(statement).affected
    }

    /// Runs `body`; when it throws, what it did is undone and the transaction goes on.
    public func savepoint<Value>(_ body: () throws -> Value) throws -> Value {
        try session.script("SAVEPOINT inner_work")
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
        try session.script(text)
    }
}
