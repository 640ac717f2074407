// SPDX-License-Identifier: Apache-2.0

/// An IPv4 address, in dotted decimal as text.
public struct IPv4Address: TextValue, Comparable {
    /// The address as a number, most significant byte first.
    public let value: UInt32

    public init(value: UInt32) {
        self.value = value
    }

    public init(_ text: String) throws(InvalidValue) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4 else {
            throw InvalidValue("“\(text)” is not an IPv4 address; write four numbers, such as 192.0.2.10.")
        }
        var value: UInt32 = 0
        for part in parts {
            guard let byte = UInt8(part), String(byte) == part else {
                throw InvalidValue("“\(text)” is not an IPv4 address: “\(part)” is not a number from 0 to 255.")
            }
            value = value << 8 | UInt32(byte)
        }
        self.value = value
    }

    public var description: String {
        "\(value >> 24).\(value >> 16 & 255).\(value >> 8 & 255).\(value & 255)"
    }

    public static func < (left: Self, right: Self) -> Bool { left.value < right.value }
}
