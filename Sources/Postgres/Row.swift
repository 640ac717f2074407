// SPDX-License-Identifier: Apache-2.0

/// One row of a result.
public struct Row: Sendable {
    let columns: ColumnNames
    let values: [String?]

    /// Reads a column; NULL into an optional is nil, into anything else an error.
    public subscript<Value: SQLDecodable>(column: String) -> Value {
        get throws(PostgresError) {
            guard let value: Value = try self[column] else {
                throw PostgresError(.decoding, "column “\(column)” is NULL")
            }
            return value
        }
    }

    /// Reads a column that may be NULL.
    public subscript<Value: SQLDecodable>(column: String) -> Value? {
        get throws(PostgresError) {
            guard let index = columns.index[column] else {
                throw PostgresError(.decoding, "the result has no column “\(column)”")
            }
            guard let text = values[index] else { return nil }
            guard let value = Value(sqlText: text) else {
                throw PostgresError(.decoding, "column “\(column)” holds no \(Value.self)")
            }
            return value
        }
    }
}

/// The columns of a result, shared by its rows.
final class ColumnNames: Sendable {
    let index: [String: Int]

    init(_ names: [String]) {
        index = Dictionary(zip(names, names.indices), uniquingKeysWith: { first, _ in first })
    }
}
