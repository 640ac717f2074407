// SPDX-License-Identifier: Apache-2.0

public import Foundation

/// A parameter in PostgreSQL's text form; nil is NULL.
public struct SQLValue: Sendable, Hashable {
    let text: String?

    /// - Parameter text: The type's text form, as PostgreSQL's input function reads it.
    public init(text: String?) {
        self.text = text
    }
}

/// A value that can be a parameter.
public protocol SQLEncodable {
    var sqlValue: SQLValue { get }
}

/// A value that can be read from a column.
public protocol SQLDecodable {
    /// Reads PostgreSQL's text form of the value; nil when it is none.
    init?(sqlText text: String)
}

extension Optional: SQLEncodable where Wrapped: SQLEncodable {
    public var sqlValue: SQLValue { self?.sqlValue ?? SQLValue(text: nil) }
}

// MARK: - Numbers, text, truth

extension Int: SQLEncodable, SQLDecodable {
    public var sqlValue: SQLValue { SQLValue(text: String(self)) }
    public init?(sqlText text: String) { self.init(text) }
}

extension Int32: SQLEncodable, SQLDecodable {
    public var sqlValue: SQLValue { SQLValue(text: String(self)) }
    public init?(sqlText text: String) { self.init(text) }
}

extension Int64: SQLEncodable, SQLDecodable {
    public var sqlValue: SQLValue { SQLValue(text: String(self)) }
    public init?(sqlText text: String) { self.init(text) }
}

extension Double: SQLEncodable, SQLDecodable {
    public var sqlValue: SQLValue { SQLValue(text: String(self)) }
    public init?(sqlText text: String) { self.init(text) }
}

extension String: SQLEncodable, SQLDecodable {
    public var sqlValue: SQLValue { SQLValue(text: self) }
    public init?(sqlText text: String) { self = text }
}

extension Bool: SQLEncodable, SQLDecodable {
    public var sqlValue: SQLValue { SQLValue(text: self ? "t" : "f") }
    public init?(sqlText text: String) {
        guard text == "t" || text == "f" else { return nil }
        self = text == "t"
    }
}

// MARK: - Foundation's

extension UUID: SQLEncodable, SQLDecodable {
    public var sqlValue: SQLValue { SQLValue(text: uuidString) }
    public init?(sqlText text: String) { self.init(uuidString: text) }
}

/// `bytea`, in its hexadecimal form.
extension Data: SQLEncodable, SQLDecodable {
    public var sqlValue: SQLValue { SQLValue(text: "\\x" + Hexadecimal.text(of: self)) }

    public init?(sqlText text: String) {
        guard text.hasPrefix("\\x"), let bytes = Hexadecimal.bytes(of: text.utf8.dropFirst(2)) else { return nil }
        self.init(bytes)
    }
}

/// `timestamptz`, to the microsecond. Every session's time zone is UTC and its date style ISO.
extension Date: SQLEncodable, SQLDecodable {
    public var sqlValue: SQLValue { SQLValue(text: Timestamp.text(of: self)) }

    public init?(sqlText text: String) {
        guard let date = Timestamp.date(of: text) else { return nil }
        self = date
    }
}

// MARK: - Arrays

/// A one-dimensional array.
extension Array: SQLEncodable where Element: SQLEncodable {
    // A closure, since a key path would be made anew at each call in generic code.
    public var sqlValue: SQLValue { SQLValue(text: ArrayText.text(of: map { $0.sqlValue.text })) }
}

extension Array: SQLDecodable where Element: SQLDecodable {
    public init?(sqlText text: String) {
        guard let elements = ArrayText.elements(of: text) else { return nil }
        self = []
        reserveCapacity(elements.count)
        for element in elements {
            guard let value = Element(sqlText: element) else { return nil }
            append(value)
        }
    }
}
