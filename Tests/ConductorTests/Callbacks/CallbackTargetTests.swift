// SPDX-License-Identifier: Apache-2.0

import Conductor
import GantryModel
import Testing

@Suite("Where a callback URL leads")
struct CallbackTargetTests {
    @Test(
        "Host and port are read, and the URL is left as it is",
        arguments: [
            ("https://example.com/hook?A=%2fb&c", "example.com", 443), ("HTTP://Example.COM:8080", "Example.COM", 8080),
            ("http://1.1.1.1/", "1.1.1.1", 80), ("https://[2606:4700::1111]:8443/x", "2606:4700::1111", 8443),
            ("https://a_b.example.com./", "a_b.example.com.", 443),
        ]
    )
    func target(_ url: String, _ host: String, _ port: Int) throws {
        let target = try CallbackTarget(url)
        #expect((target.url, target.host, target.port) == (url, host, port))
        #expect(target.mayBePublic)
    }

    @Test(
        "What cannot be sent as it stands is refused",
        arguments: [
            "", "example.com", "/hook", "ftp://example.com/", "https://", "https:///x", "https://ex ample.com/",
            "https://example.com/ü", "https://example.com/a b", "https://example.com/{x}", "https://example.com/\"",
            "https://u@example.com/", "https://u:p@example.com/", "https://example.com/#x", "https://example.com:0/",
            "https://example.com:99999/", "https://exam%70le.com/", "https://[::1/", "https://[example.com]/",
            "https://[fe80::1%25eth0]/", "https://example.com/\r\nX-A: b",
            "https://example.com/" + String(repeating: "x", count: 231),
        ]
    )
    func refused(_ url: String) {
        #expect(throws: InvalidValue.self) { try CallbackTarget(url) }
    }

    @Test(
        "What is certainly not public is known by its text",
        arguments: [
            "http://localhost/", "http://LOCALHOST.:80/", "http://a.localhost/", "http://printer.local/", "http://nas/",
            "http://metadata.google.internal/", "http://127.0.0.1/", "http://[::1]/", "http://[::ffff:10.0.0.1]/",
            "http://0x7f.1/", "http://2130706433/", "http://127.1/", "http://0177.0.0.1/", "http://10.0.0.1./",
        ]
    )
    func notPublic(_ url: String) throws {
        #expect(try !CallbackTarget(url).mayBePublic)
    }
}
