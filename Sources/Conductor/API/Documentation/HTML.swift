// SPDX-License-Identifier: Apache-2.0

/// A piece of HTML: what stands in the program's text is markup, and each text put into it is escaped.
struct HTML: ExpressibleByStringInterpolation, Sendable {
    let markup: String

    init(stringLiteral value: String) {
        markup = value
    }

    init(stringInterpolation: StringInterpolation) {
        markup = stringInterpolation.markup
    }

    init(joining pieces: [HTML], by separator: String = "\n") {
        markup = pieces.map(\.markup).joined(separator: separator)
    }

    /// A text with the characters that mean something replaced.
    init(escaping text: String) {
        markup = text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
            .replacing("\"", with: "&quot;").replacing("'", with: "&#39;")
    }

    struct StringInterpolation: StringInterpolationProtocol {
        fileprivate var markup = ""

        init(literalCapacity: Int, interpolationCount: Int) {
            markup.reserveCapacity(literalCapacity * 2)
        }

        mutating func appendLiteral(_ literal: String) {
            markup += literal
        }

        mutating func appendInterpolation(_ text: String) {
            markup += HTML(escaping: text).markup
        }

        mutating func appendInterpolation(_ html: HTML) {
            markup += html.markup
        }

        mutating func appendInterpolation(_ pieces: [HTML]) {
            markup += HTML(joining: pieces).markup
        }
    }
}

extension HTML {
    /// What the description's texts use of Markdown: paragraphs and `code`.
    ///
    /// - Parameter text: as it stands in the description.
    init(prose text: String) {
        let paragraphs = text.split(separator: "\n\n")
            .map { paragraph -> HTML in "<p>\(HTML(line: String(paragraph)))</p>" }
        self.init(joining: paragraphs)
    }

    /// One line of such a text.
    init(line text: String) {
        let parts = text.split(separator: "`", omittingEmptySubsequences: false).enumerated()
        self.init(
            joining: parts.map { index, part -> HTML in
                index.isMultiple(of: 2) ? "\(String(part))" : "<code>\(String(part))</code>"
            },
            by: ""
        )
    }
}
