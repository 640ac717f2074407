// SPDX-License-Identifier: Apache-2.0

/// An XML element to be written. Text and attribute values are escaped; nothing else can get in.
///
/// Written by hand because the available encoder repeats mixed children and knows no namespaces.
package struct XML: Sendable, Hashable {
    private let name: StaticName
    private var attributes: [(StaticName, String)] = []
    private var children: [Node] = []

    private struct StaticName: Hashable {
        let text: String
    }

    private enum Node: Hashable {
        case element(XML)
        case text(String)
    }

    package init(
        _ name: StaticString,
        _ attributes: KeyValuePairs<StaticString, String> = [:],
        @XMLBuilder _ children: () -> [XML] = { [] }
    ) {
        self.name = StaticName(text: name.description)
        self.attributes = attributes.map { (StaticName(text: $0.description), $1) }
        self.children = children().map { .element($0) }
    }

    package init(_ name: StaticString, _ attributes: KeyValuePairs<StaticString, String> = [:], text: String) {
        self.init(name, attributes)
        children = [.text(text)]
    }

    /// The element as text, indented.
    package var text: String { text(indent: "") }

    private func text(indent: String) -> String {
        let head = attributes.reduce("\(indent)<\(name.text)") { $0 + " \($1.0.text)=\"\(Self.escaped($1.1))\"" }
        if children.isEmpty { return head + "/>\n" }
        if case .text(let text) = children[0] { return "\(head)>\(Self.escaped(text))</\(name.text)>\n" }
        let body = children.map { child in
            guard case .element(let element) = child else { return "" }
            return element.text(indent: indent + "  ")
        }
        return "\(head)>\n\(body.joined())\(indent)</\(name.text)>\n"
    }

    /// Characters that XML 1.0 cannot hold (section 2.2) become U+FFFD.
    private static func escaped(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "'": result += "&apos;"
            case "\t", "\n", "\r": result += "&#\(scalar.value);"
            case "\u{20}"..."\u{FFFD}", "\u{10000}"...: result.unicodeScalars.append(scalar)
            default: result += "\u{FFFD}"
            }
        }
        return result
    }

    package static func == (left: XML, right: XML) -> Bool { left.text == right.text }
    package func hash(into hasher: inout Hasher) { hasher.combine(text) }
}

/// Lets children be listed, with conditions and loops.
@resultBuilder
package enum XMLBuilder {
    package static func buildExpression(_ element: XML) -> [XML] { [element] }
    package static func buildExpression(_ elements: [XML]) -> [XML] { elements }
    package static func buildBlock(_ parts: [XML]...) -> [XML] { parts.flatMap { $0 } }
    package static func buildOptional(_ part: [XML]?) -> [XML] { part ?? [] }
    package static func buildEither(first part: [XML]) -> [XML] { part }
    package static func buildEither(second part: [XML]) -> [XML] { part }
    package static func buildArray(_ parts: [[XML]]) -> [XML] { parts.flatMap { $0 } }
}
