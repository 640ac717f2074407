// SPDX-License-Identifier: Apache-2.0

package import GantryModel
package import Postgres

/// Finds regions by name, for commands.
package struct RegionNames: Sendable {
    private let database: Database

    package init(database: Database) {
        self.database = database
    }

    /// - Throws: `InvalidValue` that lists the regions there are.
    package func id(of name: String) async throws -> RegionID {
        let rows = try await database.read { try $0.query("SELECT id, name FROM region ORDER BY name") }
        let regions = try rows.map { row in (id: try row["id"] as RegionID, name: try row["name"] as String) }
        guard let region = regions.first(where: { $0.name == name }) else {
            let names = regions.map(\.name).joined(separator: ", ")
            throw InvalidValue(
                "There is no region “\(name)”; there \(names.isEmpty ? "is none yet" : "are: \(names)")."
            )
        }
        return region.id
    }
}
