// SPDX-License-Identifier: Apache-2.0

package import GantryModel
import Postgres

/// Which rows of a list are wanted.
package struct ListQuery: Sendable, Hashable {
    /// In the name, whatever the case; nil for all.
    package var search: String?
    /// Only what is in one of these environments; nil for all. Of lists whose rows are in environments.
    package var environments: [EnvironmentID]?
    /// Nil for as many as there are.
    package var limit: Int?
    package var offset: Int

    package init(
        search: String? = nil,
        environments: [EnvironmentID]? = nil,
        limit: Int? = nil,
        offset: Int = 0
    ) {
        (self.search, self.environments) = (search, environments)
        (self.limit, self.offset) = (limit, offset)
    }
}

/// Some rows of a list.
package struct Page<Element: Sendable>: Sendable {
    package var elements: [Element]
    /// How many the whole list has.
    package var count: Int

    package init(elements: [Element], count: Int) {
        (self.elements, self.count) = (elements, count)
    }

    /// - Parameters:
    ///   - found: one row with the `count` of all and the `ids` of the page.
    ///   - records: reads what the ids stand for.
    /// - Throws: what reading throws.
    init<Subject>(_ found: [Row], _ records: ([Identifier<Subject>]) throws -> [Element]) throws {
        guard let row = found.first else { throw PostgresError(.decoding, "a list has no count") }
        self.init(elements: try records(try row["ids"]), count: try row["count"])
    }
}
