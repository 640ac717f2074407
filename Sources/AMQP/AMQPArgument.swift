// SPDX-License-Identifier: Apache-2.0

import CRabbitMQ

/// A value in a queue's arguments.
public enum AMQPArgument: Sendable, Hashable, ExpressibleByStringLiteral, ExpressibleByIntegerLiteral {
    case text(String)
    case number(Int64)

    public init(stringLiteral value: String) { self = .text(value) }
    public init(integerLiteral value: Int64) { self = .number(value) }
}

/// Lends arguments as a table to a call that does not keep it.
func withTable<Value>(_ arguments: [String: AMQPArgument], _ body: (amqp_table_t) throws -> Value) rethrows -> Value {
    try unsafe withEntries(arguments.sorted { $0.key < $1.key }[...], []) { entries in
        var entries = unsafe entries
        let count = unsafe Int32(entries.count)
        return try unsafe entries.withUnsafeMutableBufferPointer { buffer in
            try unsafe body(amqp_table_t(num_entries: count, entries: buffer.baseAddress))
        }
    }
}

/// Goes down one level for each argument, so that every string is lent until the call is over.
private func withEntries<Value>(
    _ arguments: ArraySlice<(key: String, value: AMQPArgument)>,
    _ entries: [amqp_table_entry_t],
    _ body: ([amqp_table_entry_t]) throws -> Value
) rethrows -> Value {
    guard let (name, value) = arguments.first else { return try unsafe body(entries) }
    return try unsafe withBytes(name) { key in
        var field = unsafe amqp_field_value_t()
        switch value {
        case .number(let number):
            unsafe field.kind = UInt8(AMQP_FIELD_KIND_I64.rawValue)
            unsafe field.value.i64 = number
            let entry = unsafe amqp_table_entry_t(key: key, value: field)
            return try unsafe withEntries(arguments.dropFirst(), entries + [entry], body)
        case .text(let text):
            return try unsafe withBytes(text) { bytes in
                unsafe field.kind = UInt8(AMQP_FIELD_KIND_UTF8.rawValue)
                unsafe field.value.bytes = bytes
                let entry = unsafe amqp_table_entry_t(key: key, value: field)
                return try unsafe withEntries(arguments.dropFirst(), entries + [entry], body)
            }
        }
    }
}
