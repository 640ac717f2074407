// SPDX-License-Identifier: Apache-2.0

public import Foundation

/// The UUID of a virtual machine, which is also its libvirt domain's. Lower case as text.
public struct MachineUUID: TextValue {
    public let value: UUID

    /// A new random (version 4) UUID.
    public init() {
        value = UUID()
    }

    public init(_ value: UUID) {
        self.value = value
    }

    public init(_ text: String) throws(InvalidValue) {
        guard let value = UUID(uuidString: text) else {
            throw InvalidValue("“\(text)” is not a UUID.")
        }
        self.value = value
    }

    public var description: String { value.uuidString.lowercased() }

    /// The sixteen bytes, in the order of the text.
    public var bytes: [UInt8] {
        withUnsafeBytes(of: value.uuid) { Array($0) }
    }
}
