// SPDX-License-Identifier: Apache-2.0

/// A network in CIDR form, with no host bits set, of either version of IP.
public enum IPPrefix: TextValue {
    case ipv4(Subnet)
    case ipv6(IPv6Subnet)

    public init(_ text: String) throws(InvalidValue) {
        self = text.contains(":") ? .ipv6(try IPv6Subnet(text)) : .ipv4(try Subnet(text))
    }

    public var description: String {
        switch self {
        case .ipv4(let subnet): subnet.description
        case .ipv6(let subnet): subnet.description
        }
    }
}

/// An IPv6 network in CIDR form, with no host bits set.
public struct IPv6Subnet: TextValue {
    /// The first address of the network.
    public let base: IPv6Address
    /// The number of leading bits that name the network, 0 to 128.
    public let prefixLength: Int

    public init(base: IPv6Address, prefixLength: Int) throws(InvalidValue) {
        guard (0...128).contains(prefixLength) else {
            throw InvalidValue("/\(prefixLength) is no IPv6 prefix length; it is 0 to 128.")
        }
        // A shift by all bits leaves none.
        let network = IPv6Address(value: base.value & ~(UInt128.max >> UInt128(prefixLength)))
        guard base == network else {
            throw InvalidValue("\(base)/\(prefixLength) has host bits set; the network is \(network)/\(prefixLength).")
        }
        (self.base, self.prefixLength) = (base, prefixLength)
    }

    public init(_ text: String) throws(InvalidValue) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let length = Int(parts[1]), String(length) == parts[1] else {
            throw InvalidValue("“\(text)” is not a network in CIDR form, such as 2001:db8::/32.")
        }
        try self.init(base: IPv6Address(String(parts[0])), prefixLength: length)
    }

    public var description: String { "\(base)/\(prefixLength)" }
}
