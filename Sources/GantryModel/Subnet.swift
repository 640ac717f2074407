// SPDX-License-Identifier: Apache-2.0

/// An IPv4 network in CIDR form, with no host bits set.
public struct Subnet: TextValue {
    /// The first address of the network.
    public let base: IPv4Address
    /// The number of leading bits that name the network, 0 to 32.
    public let prefixLength: Int

    public init(base: IPv4Address, prefixLength: Int) throws(InvalidValue) {
        guard (0...32).contains(prefixLength) else {
            throw InvalidValue("/\(prefixLength) is no IPv4 prefix length; it is 0 to 32.")
        }
        guard base.value & ~Self.mask(prefixLength) == 0 else {
            let network = IPv4Address(value: base.value & Self.mask(prefixLength))
            throw InvalidValue("\(base)/\(prefixLength) has host bits set; the network is \(network)/\(prefixLength).")
        }
        self.base = base
        self.prefixLength = prefixLength
    }

    public init(_ text: String) throws(InvalidValue) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let length = Int(parts[1]), String(length) == parts[1] else {
            throw InvalidValue("“\(text)” is not a network in CIDR form, such as 192.0.2.0/24.")
        }
        try self.init(base: IPv4Address(String(parts[0])), prefixLength: length)
    }

    public var description: String { "\(base)/\(prefixLength)" }

    /// The network's mask, such as 255.255.255.0.
    public var netmask: IPv4Address { IPv4Address(value: Self.mask(prefixLength)) }

    /// The number of addresses, network and broadcast address included.
    public var size: Int { 1 << (32 - prefixLength) }

    /// The address that a gateway of ours takes: the first after the network's own.
    public var gateway: IPv4Address { self[1] }

    /// The address at an offset from the first, which must be inside the network.
    public subscript(offset: Int) -> IPv4Address {
        precondition((0..<size).contains(offset), "offset \(offset) is outside \(self)")
        return IPv4Address(value: base.value + UInt32(offset))
    }

    public func contains(_ address: IPv4Address) -> Bool {
        address.value & Self.mask(prefixLength) == base.value
    }

    private static func mask(_ prefixLength: Int) -> UInt32 {
        prefixLength == 0 ? 0 : ~UInt32(0) << UInt32(32 - prefixLength)
    }
}
