// SPDX-License-Identifier: Apache-2.0

/// Looks for what a JSON value has that its schema does not allow, as far as `openapi.yaml` uses schemas.
struct OpenAPISchema {
    let document: JSON

    private static let understood: Set = [
        "$ref", "allOf", "type", "nullable", "enum", "required", "properties", "items", "additionalProperties",
        "pattern",
        "minimum", "maximum", "minLength", "maxLength", "maxItems", "description", "format", "example", "default",
    ]

    /// What is wrong, each with the place where. A field that no schema describes is wrong too.
    func violations(of value: JSON, _ schema: JSON, at path: String = "") -> [String] {
        let unknown = Set((schema.object ?? [:]).keys).subtracting(Self.understood)
        guard unknown.isEmpty else { return ["\(path): the checker does not know \(unknown.sorted())"] }
        if let target = schema["$ref"]?.text {
            guard let resolved = resolve(target) else { return ["\(path): \(target) is nowhere"] }
            return violations(of: value, resolved, at: path)
        }
        if value == .null {
            return schema["nullable"] == .bool(true) ? [] : ["\(path): is null"]
        }
        var found = (schema["allOf"]?.list ?? []).flatMap { violations(of: value, $0, at: path) }
        if let allowed = schema["enum"]?.list, !allowed.contains(value) { found.append("\(path): is \(value)") }
        if let pattern = schema["pattern"]?.text, let text = value.text, let expression = try? Regex(pattern),
            text.firstMatch(of: expression) == nil
        {
            found.append("\(path): “\(text)” is not \(pattern)")
        }
        if let type = schema["type"]?.text { found += typeViolations(of: value, type, schema, path) }
        return found
    }

    /// What a reference such as `#/components/schemas/Node` leads to.
    func resolve(_ reference: String) -> JSON? {
        reference.split(separator: "/").dropFirst().reduce(document) { value, key in value?[String(key)] }
    }

    private func typeViolations(of value: JSON, _ type: String, _ schema: JSON, _ path: String) -> [String] {
        switch (type, value) {
        case ("object", .object(let fields)): return objectViolations(of: fields, schema, path)
        case ("array", .list(let elements)):
            guard let items = schema["items"] else { return ["\(path): its items have no schema"] }
            return elements.enumerated().flatMap { violations(of: $1, items, at: "\(path)[\($0)]") }
        case ("integer", .number(let number)):
            return number == number.rounded() ? [] : ["\(path): \(number) is not whole"]
        case ("string", .text), ("number", .number), ("boolean", .bool): return []
        default: return ["\(path): \(value) is no \(type)"]
        }
    }

    private func objectViolations(of fields: [String: JSON], _ schema: JSON, _ path: String) -> [String] {
        let required = schema["required"]?.list?.compactMap(\.text) ?? []
        var found = required.filter { fields[$0] == nil }.map { "\(path).\($0): is missing" }
        // An object without described fields may have any.
        guard let properties = schema["properties"]?.object else { return found }
        for (name, value) in fields.sorted(by: { $0.key < $1.key }) {
            guard let property = properties[name] else {
                found.append("\(path).\(name): is not described")
                continue
            }
            found += violations(of: value, property, at: "\(path).\(name)")
        }
        return found
    }
}
