// SPDX-License-Identifier: Apache-2.0

/// Text that is not a value of the type it was meant for. The message says what would be.
public struct InvalidValue: Error, Equatable, CustomStringConvertible {
    /// A sentence fit for the person who sent the value.
    public let description: String

    public init(_ description: String) {
        self.description = description
    }
}

/// A value that has exactly one text form, in which it also travels in JSON.
public protocol TextValue: Hashable, Sendable, Codable, CustomStringConvertible {
    /// Parses the text form.
    init(_ text: String) throws(InvalidValue)
}

extension TextValue {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        do {
            try self.init(text)
        } catch {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: error.description)
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
