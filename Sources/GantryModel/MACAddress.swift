// SPDX-License-Identifier: Apache-2.0

/// An Ethernet address, as six lower-case hexadecimal pairs with colons.
public struct MACAddress: TextValue {
    public let bytes: [UInt8]

    public init(_ text: String) throws(InvalidValue) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        let bytes = parts.compactMap { $0.count == 2 ? UInt8(hexadecimal: $0) : nil }
        guard parts.count == 6, bytes.count == 6 else {
            throw InvalidValue("“\(text)” is not a MAC address, such as 02:00:5e:10:00:01.")
        }
        self.bytes = bytes
    }

    /// A unicast address of local administration whose other 46 bits come from a machine's UUID.
    public init(localFor uuid: MachineUUID) {
        var bytes = Array(uuid.bytes.prefix(6))
        // IEEE 802: bit 1 of the first byte marks local administration, bit 0 a group.
        bytes[0] = bytes[0] & 0b1111_1100 | 0b0000_0010
        self.bytes = bytes
    }

    public var description: String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: ":")
    }
}
