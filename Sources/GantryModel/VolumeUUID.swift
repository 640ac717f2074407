// SPDX-License-Identifier: Apache-2.0

public import Foundation

/// The UUID of a volume, by which nodes name its file. Lower case as text.
public struct VolumeUUID: TextValue {
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

    /// The serial number that a guest reads of the disk. A virtio disk has room for twenty bytes of it.
    public var serial: String { String(description.prefix(20)) }

    /// Where a Linux guest finds the disk.
    public var device: String { "/dev/disk/by-id/virtio-\(serial)" }
}
