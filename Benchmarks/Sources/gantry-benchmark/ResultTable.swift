// SPDX-License-Identifier: Apache-2.0

/// Rows of text, printed as a Markdown table with aligned columns.
struct ResultTable {
    let columns: [String]
    private(set) var rows: [[String]] = []

    init(_ columns: String...) {
        self.columns = columns
    }

    mutating func add(_ row: String...) {
        rows.append(row)
    }

    var text: String {
        let widths = columns.indices.map { index in
            ([columns] + rows).map { $0[index].count }.max() ?? 0
        }
        let lines = [columns, widths.map { String(repeating: "-", count: $0) }] + rows
        return
            lines.map { line in
                let cells = zip(line, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }
                return "| " + cells.joined(separator: " | ") + " |\n"
            }
            .joined()
    }
}
