// SPDX-License-Identifier: Apache-2.0

package import Postgres

/// Lends an empty database of one's own, dropped afterwards.
@discardableResult
package func withTemporaryDatabase<Value>(
    _ body: (DatabaseConfiguration) async throws -> Value
) async throws -> Value {
    try await withTemporaryDatabaseURL { try await body(DatabaseConfiguration(url: $0)) }
}

/// The same, as a URL to hand to a program.
@discardableResult
package func withTemporaryDatabaseURL<Value>(_ body: (String) async throws -> Value) async throws -> Value {
    let url = try await TestServices.shared.databaseURL
    let name = "test_\(String(UInt64.random(in: 0...UInt64.max), radix: 36))"
    try await shell("psql", "-q", "-v", "ON_ERROR_STOP=1", "-c", "CREATE DATABASE \(name)", url)
    let own = url.split(separator: "/").dropLast().joined(separator: "/")
        .replacing("postgresql:/", with: "postgresql://")
    let result: Result<Value, any Error>
    do {
        result = .success(try await body("\(own)/\(name)"))
    } catch {
        result = .failure(error)
    }
    try await shell("psql", "-q", "-v", "ON_ERROR_STOP=1", "-c", "DROP DATABASE \(name) WITH (FORCE)", url)
    return try result.get()
}
