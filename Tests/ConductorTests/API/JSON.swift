// SPDX-License-Identifier: Apache-2.0

/// Any JSON value.
enum JSON: Decodable, Sendable, Hashable {
    case null
    case bool(Bool)
    case number(Double)
    case text(String)
    case list([JSON])
    case object([String: JSON])

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .bool(value)
        } else if let value = try? container.decode(Double.self) {
            self = .number(value)
        } else if let value = try? container.decode(String.self) {
            self = .text(value)
        } else if let value = try? container.decode([JSON].self) {
            self = .list(value)
        } else {
            self = .object(try container.decode([String: JSON].self))
        }
    }

    /// A field of an object; nil for none, or when this is no object.
    subscript(_ field: String) -> JSON? { object?[field] }

    var object: [String: JSON]? {
        if case .object(let fields) = self { fields } else { nil }
    }

    /// The names of an object's fields.
    var keys: Set<String> { Set((object ?? [:]).keys) }

    var list: [JSON]? {
        if case .list(let elements) = self { elements } else { nil }
    }

    var text: String? {
        if case .text(let text) = self { text } else { nil }
    }

    var number: Double? {
        if case .number(let number) = self { number } else { nil }
    }
}
