// SPDX-License-Identifier: Apache-2.0

import GantryModel
import Testing

@Suite("A prefix is a network of either version of IP, with one text")
struct IPPrefixTests {
    @Test(
        "An IPv6 address is read in every form and written in one",
        arguments: [
            ("2001:0DB8:0:0:0:0:0:0001", "2001:db8::1"), ("::", "::"), ("::1", "::1"), ("1::", "1::"),
            ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"), ("2001:db8::1:0:0:1", "2001:db8::1:0:0:1"),
            ("1:0:0:2:0:0:0:3", "1:0:0:2::3"), ("::ffff:192.0.2.1", "::ffff:c000:201"),
            ("64:ff9b::192.0.2.1", "64:ff9b::c000:201"), ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"),
            ("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        ]
    )
    func address(_ text: String, _ canonical: String) throws {
        #expect(try IPv6Address(text).description == canonical)
        #expect(try IPv6Address(canonical) == IPv6Address(text))
    }

    @Test(
        "What is none is refused",
        arguments: [
            "", ":", ":::", "1", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8::", "::1::", "12345::", "g::",
            "+1::", "-1::", "1.2.3.4::", "::1.2.3", "::1.2.3.4:5", ":1:2:3:4:5:6:7", "1:2:3:4:5:6:7:", "fe80::1%eth0",
            " ::1", "１::",
        ]
    )
    func noAddress(_ text: String) {
        #expect(throws: InvalidValue.self) { try IPv6Address(text) }
    }

    @Test(
        "A network is of the version that its text is of",
        arguments: ["10.0.0.0/8", "0.0.0.0/0", "::/0", "2001:db8::/32", "2001:db8::1/128", "fe80::/10"]
    )
    func network(_ text: String) throws {
        let prefix = try IPPrefix(text)
        #expect(prefix.description == text)
        if case .ipv6 = prefix { #expect(text.contains(":")) } else { #expect(!text.contains(":")) }
    }

    @Test(
        "Host bits, lengths beyond the address and what has none are refused",
        arguments: [
            "2001:db8::1/32", "::1/127", "2001:db8::/129", "2001:db8::/-1", "2001:db8::/032", "2001:db8::", "::/",
        ]
    )
    func noNetwork(_ text: String) {
        #expect(throws: InvalidValue.self) { try IPPrefix(text) }
    }
}
