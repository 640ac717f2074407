// SPDX-License-Identifier: Apache-2.0

import Foundation

/// Checks texts of tenants that are kept as they are and arrive in guests, XML and YAML byte for byte.
enum TextField {
    /// A name or label.
    ///
    /// - Returns: the text itself.
    /// - Throws: ``APIError`` that names the field, for text that is empty, too long (in characters as Unicode scalars,
    ///   which is what PostgreSQL counts), surrounded by space, or holds what XML 1.0 cannot (section 2.2).
    static func check(_ text: String, _ field: String, maximumLength: Int) throws(APIError) -> String {
        guard !text.isEmpty else { throw .invalid(field, "it is empty; use 1 to \(maximumLength) characters.") }
        let length = text.unicodeScalars.count
        guard length <= maximumLength else {
            throw .invalid(field, "it has \(length) characters; it may have \(maximumLength).")
        }
        guard text.unicodeScalars.allSatisfy(isPrintable) else {
            throw .invalid(field, "it holds a control character; use letters, digits, signs and spaces.")
        }
        guard text.trimmingCharacters(in: .whitespacesAndNewlines) == text else {
            throw .invalid(field, "it begins or ends with a space; leave it out.")
        }
        return text
    }

    /// A text that may be left out or be empty, and otherwise is as `check` demands.
    ///
    /// - Throws: ``APIError`` that names the field.
    static func optional(_ text: String?, _ field: String, maximumLength: Int) throws(APIError) -> String? {
        guard let text, !text.isEmpty else { return text }
        return try check(text, field, maximumLength: maximumLength)
    }

    /// Whether it is something that can be seen, or the space between. What Unicode has yet to assign may be seen one day.
    static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .lineSeparator, .paragraphSeparator, .surrogate: false
        default: !scalar.properties.isNoncharacterCodePoint
        }
    }
}
