// SPDX-License-Identifier: Apache-2.0

/// Rows of text under headings, each column as wide as its widest cell.
struct Table {
    private var rows: [[String]]

    init(_ headings: String...) {
        rows = [headings]
    }

    mutating func add(_ cells: String...) {
        rows.append(cells)
    }

    mutating func add(_ first: String, _ others: [String]) {
        rows.append([first] + others)
    }

    var text: String {
        let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        return
            rows.map { row in
                let cells = zip(row, widths)
                    .map { cell, width in cell + String(repeating: " ", count: width - cell.count) }
                return String(cells.joined(separator: "  ").reversed().drop { $0 == " " }.reversed())
            }
            .joined(separator: "\n")
    }
}
