// SPDX-License-Identifier: Apache-2.0

/// A backup of a database, made and restored as the operator's guide says.
package struct DatabaseBackup: Sendable {
    private let url: String
    private let file: String

    /// Makes it.
    ///
    /// - Parameters:
    ///   - url: The database.
    ///   - folder: Where its file goes.
    /// - Throws: When `pg_dump` fails.
    package init(of url: String, in folder: String) async throws {
        (self.url, file) = (url, folder + "/gantry.dump")
        try await shell("pg_dump", "--format=custom", "--file", file, url)
    }

    /// Takes the database back to what it was then.
    package func restore() async throws {
        try await shell(
            "pg_restore",
            "--clean",
            "--if-exists",
            "--single-transaction",
            "--exit-on-error",
            "--dbname",
            url,
            file
        )
    }
}
