// SPDX-License-Identifier: Apache-2.0

public import Foundation

/// The UUID of a file in the conductor's image store. Lower case as text.
public struct StoredImageUUID: TextValue {
    public let value: UUID

    /// A new random (version 4) UUID.
    public init() {
        value = UUID()
    }

    public init(_ text: String) throws(InvalidValue) {
        guard let value = UUID(uuidString: text) else {
            throw InvalidValue("“\(text)” is not a UUID.")
        }
        self.value = value
    }

    public var description: String { value.uuidString.lowercased() }

    /// The URL by which nodes know that they get it from the conductor.
    public var url: String { "\(Self.scheme):\(description)" }

    public static let scheme = "store"
}
