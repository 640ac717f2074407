// SPDX-License-Identifier: Apache-2.0

/// What a client sends. A field that is not named here is refused rather than ignored, so that a misspelt one is noticed.
public protocol RequestFields: Codable, Sendable {
    associatedtype CodingKeys: CodingKey & CaseIterable

    /// Those fields that hold an object, or a list of objects, with fields of their own.
    static var innerFields: [String: any RequestFields.Type] { get }
}

extension RequestFields {
    public static var innerFields: [String: any RequestFields.Type] { [:] }

    /// The names of all fields, as they stand in JSON.
    public static var fieldNames: [String] { CodingKeys.allCases.map(\.stringValue) }
}
