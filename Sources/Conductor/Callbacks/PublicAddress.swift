// SPDX-License-Identifier: Apache-2.0

package import NIOCore

/// Which addresses are those of hosts on the Internet (RFC 6890 and the registries that it began), and so not of the
/// cloud's own services, of this host or of nobody.
package enum PublicAddress {
    package static func contains(_ address: SocketAddress) -> Bool {
        guard let bytes = bytes(of: address) else { return false }
        if bytes.count == 4 { return !reservedIPv4.contains { $0.contains(bytes) } }
        if mapped.contains(bytes) { return !reservedIPv4.contains { $0.contains(Array(bytes.suffix(4))) } }
        return unicast.contains(bytes) && !reservedIPv6.contains { $0.contains(bytes) }
    }

    private static let reservedIPv4 = [
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
        "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
        "224.0.0.0/4", "240.0.0.0/4",
    ]
    .map(prefix)

    /// An IPv4 address in the clothes of IPv6, which reaches the former.
    private static let mapped = prefix("::ffff:0:0/96")
    /// All that is given out; loopback, link-local, unique local, multicast and translated addresses are outside.
    private static let unicast = prefix("2000::/3")
    /// Within it: protocols and tunnels, which embed IPv4 addresses, and documentation.
    private static let reservedIPv6 = ["2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"].map(prefix)

    private static func prefix(_ text: String) -> AddressPrefix {
        let parts = text.split(separator: "/")
        guard parts.count == 2, let length = Int(parts[1]),
            let address = try? SocketAddress(ipAddress: String(parts[0]), port: 0), let bytes = bytes(of: address)
        else { preconditionFailure("\(text) is no prefix") }
        return AddressPrefix(bytes: bytes, length: length)
    }

    /// Four or sixteen; nil for what is no IP address. They are after family and port, and with IPv6 the flow
    /// (ip(7), ipv6(7)).
    private static func bytes(of address: SocketAddress) -> [UInt8]? {
        switch address {
        case .v4(let address): withUnsafeBytes(of: address.address) { Array($0[4..<8]) }
        case .v6(let address): withUnsafeBytes(of: address.address) { Array($0[8..<24]) }
        case .unixDomainSocket: nil
        }
    }
}

/// A network of either family.
private struct AddressPrefix {
    let bytes: [UInt8]
    /// In bits.
    let length: Int

    func contains(_ address: [UInt8]) -> Bool {
        guard address.count == bytes.count else { return false }
        let (whole, rest) = length.quotientAndRemainder(dividingBy: 8)
        guard address.prefix(whole) == bytes.prefix(whole) else { return false }
        return rest == 0 || (address[whole] ^ bytes[whole]) >> (8 - rest) == 0
    }
}
