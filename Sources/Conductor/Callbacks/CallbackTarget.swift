// SPDX-License-Identifier: Apache-2.0

import Foundation
package import GantryModel
package import NIOCore

/// Where a callback URL leads. The URL itself is used byte for byte, so nothing about it is mended.
package struct CallbackTarget: Sendable, Hashable {
    package let url: String
    /// A name, or an address without brackets.
    package let host: String
    package let port: Int

    private static let maximumLength = 250

    /// - Parameter url: as its owner wrote it.
    /// - Throws: `InvalidValue` for what is no http(s) URL that can be sent as it stands.
    package init(_ url: String) throws(InvalidValue) {
        guard url.utf8.count <= Self.maximumLength else {
            throw InvalidValue("it has \(url.utf8.count) bytes; it may have \(Self.maximumLength).")
        }
        guard url.utf8.allSatisfy({ (0x21...0x7E).contains($0) }),
            let parts = URLComponents(string: url, encodingInvalidCharacters: false),
            let scheme = parts.scheme?.lowercased(), ["http", "https"].contains(scheme),
            let bracketed = parts.encodedHost, !bracketed.isEmpty
        else {
            throw InvalidValue("“\(url)” is no URL; write https://HOST/PATH, percent-encoded.")
        }
        guard parts.user == nil, parts.password == nil else {
            throw InvalidValue("it holds a user or password; put a secret into its query instead.")
        }
        guard parts.fragment == nil else {
            throw InvalidValue("it holds a fragment, which is never sent; leave out what begins with #.")
        }
        let isIPv6 = bracketed.hasPrefix("[") && bracketed.hasSuffix("]")
        let host = isIPv6 ? String(bracketed.dropFirst().dropLast()) : bracketed
        let port = parts.port ?? (scheme == "https" ? 443 : 80)
        guard (1...65535).contains(port) else {
            throw InvalidValue("\(port) is no port; it is 1 to 65535.")
        }
        guard isIPv6 ? Self.address(host, port) != nil : host.utf8.allSatisfy(Self.isOfName) else {
            throw InvalidValue("“\(host)” is no host; write its name, or its address.")
        }
        (self.url, self.host, self.port) = (url, host, port)
    }

    /// The address, where the URL has one in place of a name.
    package var literal: SocketAddress? { Self.address(host, port) }

    /// False for names and addresses that are certainly not public (RFC 6761, RFC 6762). The addresses of a name are
    /// looked at when it is called.
    package var mayBePublic: Bool {
        if let literal { return PublicAddress.contains(literal) }
        let name = (host.hasSuffix(".") ? String(host.dropLast()) : host).lowercased()
        guard let top = name.split(separator: ".").last, name.contains(".") else { return false }
        // Other spellings of IPv4 addresses, such as 0x7f.1 and 2130706433, end in a number; names never do.
        return top.first?.isNumber == false && !["localhost", "local", "internal"].contains(top)
    }

    private static func address(_ text: String, _ port: Int) -> SocketAddress? {
        try? SocketAddress(ipAddress: text, port: port)
    }

    private static func isOfName(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"):
            true
        default: false
        }
    }
}
