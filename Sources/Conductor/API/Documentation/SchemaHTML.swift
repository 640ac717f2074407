// SPDX-License-Identifier: Apache-2.0

import Yams

/// Schemas of the description as HTML.
enum SchemaHTML {
    /// A schema in a few words, such as `array of Environment`, where named schemas are links.
    static func type(of schema: Node?) -> HTML {
        guard let schema else { return "" }
        if let reference = schema["$ref"]?.string { return link(to: reference) }
        let inner = (schema["allOf"]?.sequence.map(Array.init) ?? []).map { type(of: $0) }
        var words: HTML =
            if !inner.isEmpty {
                HTML(joining: inner, by: " and ")
            } else if schema["type"]?.string == "array" {
                "array of \(type(of: schema["items"]))"
            } else if let values = schema["enum"]?.sequence {
                HTML(joining: values.compactMap(\.string).map { "<code>\($0)</code>" }, by: " | ")
            } else {
                "\(schema["type"]?.string ?? "any")"
            }
        let bounds = bounds(of: schema)
        if !bounds.isEmpty { words = "\(words) <small>\(bounds.joined(separator: ", "))</small>" }
        return schema["nullable"]?.bool == true ? "\(words) or null" : words
    }

    /// A table of an object's fields; for anything else what it is.
    static func body(of schema: Node) -> HTML {
        guard let fields = schema["properties"]?.mapping, !fields.isEmpty else { return "<p>\(type(of: schema))</p>" }
        let required = Set((schema["required"]?.sequence ?? []).compactMap(\.string))
        let rows = fields.map { name, field -> HTML in
            let field = (name: name.string ?? "", schema: field)
            return row(field.name, field.schema, isRequired: required.contains(field.name))
        }
        return """
            <table><tr><th>Field</th><th>Type</th><th></th></tr>
            \(rows)
            </table>
            """
    }

    /// A row of a table of fields or parameters.
    static func row(_ name: String, _ schema: Node?, isRequired: Bool, description: String? = nil) -> HTML {
        let inner: HTML =
            if let schema, schema["properties"] != nil { body(of: schema) } else { "" }
        let text = description ?? schema?["description"]?.string ?? ""
        let needed: HTML = isRequired ? " <small>required</small>" : ""
        return """
            <tr><td><code>\(name)</code>\(needed)</td><td>\(type(of: schema))</td><td>\(HTML(prose: text))\(inner)</td></tr>
            """
    }

    /// The last part of a reference, which is a name.
    static func name(in reference: String) -> String {
        String(reference.split(separator: "/").last ?? "")
    }

    private static func link(to reference: String) -> HTML {
        let name = name(in: reference)
        return "<a href=\"#schema-\(name)\">\(name)</a>"
    }

    private static func bounds(of schema: Node) -> [String] {
        let names = [
            ("minLength", "at least % characters"), ("maxLength", "at most % characters"), ("minimum", "from %"),
            ("maximum", "to %"), ("maxItems", "at most %"), ("default", "% where it is left out"), ("pattern", "%"),
        ]
        return names.compactMap { key, words in
            schema[key]?.string.map { words.replacing("%", with: $0) }
        }
    }
}
