// SPDX-License-Identifier: Apache-2.0

import Foundation
package import Postgres

/// The conductor's tables, as numbered steps from `Store/Migrations`.
package enum Schema {
    /// Every step, oldest first. A file `0001_x.sql` is embedded under the name `_001_x_sql`. A released step is never edited; a change is a new file and a line here.
    package static var migrations: [Migration] {
        [
            Migration(number: 1, name: "initial", sql: text(PackageResources._001_initial_sql))
        ]
    }

    /// The number of the last step.
    package static var newest: Int { migrations.map(\.number).max() ?? 0 }

    /// Brings the database to the newest schema, one conductor at a time.
    ///
    /// - Returns: the numbers of the steps that were applied.
    @discardableResult
    package static func migrate(_ database: Database) async throws -> [Int] {
        try await Migrator(migrations).run(on: database)
    }

    private static func text(_ bytes: [UInt8]) -> String {
        String(decoding: bytes, as: UTF8.self)
    }
}
