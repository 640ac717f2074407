// SPDX-License-Identifier: Apache-2.0

import Foundation

/// A heading, and under it values with what each is.
struct Details {
    private var lines: [String]

    init(_ heading: String) {
        lines = [heading]
    }

    /// Adds a value; one that there is not is left out.
    mutating func add(_ label: String, _ value: String?) {
        guard let value else { return }
        lines.append("  \(label.padding(toLength: max(12, label.count), withPad: " ", startingAt: 0)) \(value)")
    }

    var text: String { lines.joined(separator: "\n") }
}
