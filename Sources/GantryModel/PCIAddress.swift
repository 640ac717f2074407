// SPDX-License-Identifier: Apache-2.0

import Foundation

/// The full address of a PCI function, as sysfs writes it: `0000:65:00.0`.
public struct PCIAddress: TextValue, Comparable {
    /// Usually 16 bits wide; hosts with VMD have wider ones.
    public let domain: UInt32
    public let bus: UInt8
    /// 0 to 31.
    public let device: UInt8
    /// 0 to 7.
    public let function: UInt8

    public init(_ text: String) throws(InvalidValue) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        let last = parts.last?.split(separator: ".", omittingEmptySubsequences: false) ?? []
        guard parts.count == 3, last.count == 2, parts[0].count >= 4, parts[1].count == 2, last[0].count == 2,
            last[1].count == 1, let domain = UInt32(hexadecimal: parts[0]), let bus = UInt8(hexadecimal: parts[1]),
            let device = UInt8(hexadecimal: last[0]), device < 32, let function = UInt8(last[1]), function < 8
        else {
            throw InvalidValue("“\(text)” is not a full PCI address, such as 0000:65:00.0.")
        }
        (self.domain, self.bus, self.device, self.function) = (domain, bus, device, function)
    }

    public var description: String {
        String(format: "%04x:%02x:%02x.%x", domain, bus, device, function)
    }

    public static func < (left: Self, right: Self) -> Bool {
        (left.domain, left.bus, left.device, left.function) < (right.domain, right.bus, right.device, right.function)
    }
}
