// SPDX-License-Identifier: Apache-2.0

import Foundation
import GantryModel

/// Where a tenant wants to be told of changes.
enum CallbackURL {
    private static let maximumLength = 250

    /// Checks what the text alone can tell. It is used byte for byte, so nothing about it is mended.
    ///
    /// - Throws: ``APIError`` for what is no http(s) URL, or one of an address that is not public.
    static func check(_ text: String, _ field: String) throws(APIError) -> String {
        guard text.utf8.count <= maximumLength else {
            throw .invalid(field, "it has \(text.utf8.count) bytes; it may have \(maximumLength).")
        }
        guard text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }), let parts = URLComponents(string: text),
            let scheme = parts.scheme?.lowercased(), ["http", "https"].contains(scheme),
            let host = parts.host, !host.isEmpty
        else {
            throw .invalid(field, "“\(text)” is no URL; write https://HOST/PATH, percent-encoded.")
        }
        guard parts.user == nil, parts.password == nil else {
            throw .invalid(field, "it holds a user or password; put a secret into its query instead.")
        }
        guard isPublic(host.lowercased()) else {
            throw .invalid(field, "\(host) is not a public address; callbacks go to public addresses alone.")
        }
        return text
    }

    /// False for names and addresses that are certainly not public (RFC 6761, RFC 6890). A name's addresses are looked
    /// at when it is called.
    private static func isPublic(_ host: String) -> Bool {
        let name = host.hasSuffix(".") ? String(host.dropLast()) : host
        guard name != "localhost", !name.hasSuffix(".localhost"), !name.hasSuffix(".internal"),
            !name.hasSuffix(".local")
        else { return false }
        // URLs have other spellings of IPv4 addresses (0x7f.1, 2130706433) and IPv6 in brackets; none is taken.
        let isNumeric = name.allSatisfy { "0123456789abcdefx.".contains($0) } && name.last?.isHexDigit == true
        guard !name.contains(":"), !name.hasPrefix("[") else { return false }
        guard isNumeric, name.split(separator: ".").last?.first?.isNumber == true else { return name.contains(".") }
        guard let address = try? IPv4Address(name) else { return false }
        return !reserved.contains { $0.contains(address) }
    }

    private static let reserved: [Subnet] = [
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
        "192.168.0.0/16", "198.18.0.0/15", "224.0.0.0/4", "240.0.0.0/4",
    ]
    .compactMap { try? Subnet($0) }
}
