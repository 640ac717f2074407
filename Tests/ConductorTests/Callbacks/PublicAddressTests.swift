// SPDX-License-Identifier: Apache-2.0

import Conductor
import NIOCore
import Testing

@Suite("Which addresses callbacks may go to")
struct PublicAddressTests {
    @Test(
        "Those of hosts on the Internet",
        arguments: [
            "1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255",
            "169.253.255.255", "172.15.255.255", "172.32.0.0", "192.167.255.255", "198.17.255.255", "198.20.0.0",
            "223.255.255.255", "2606:4700::1111", "2a00:1450:4001::200e", "2001:4860:4860::8888", "::ffff:8.8.8.8",
        ]
    )
    func isPublic(_ text: String) throws {
        #expect(PublicAddress.contains(try SocketAddress(ipAddress: text, port: 443)))
    }

    @Test(
        "None that is private, loopback, link-local, shared, multicast, reserved, translated or for documentation",
        arguments: [
            "0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.127.255.255", "127.0.0.1",
            "127.255.255.254", "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.8", "192.0.2.1",
            "192.88.99.1", "192.168.1.1", "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1",
            "239.255.255.255", "240.0.0.1", "255.255.255.255", "::", "::1", "::10.0.0.1", "::8.8.8.8",
            "::ffff:127.0.0.1", "::ffff:10.1.2.3", "::ffff:169.254.169.254", "64:ff9b::a00:1", "64:ff9b:1::1", "100::1",
            "2001::1", "2001:db8::1", "2002:a00:1::1", "3fff::1", "5f00::1", "fc00::1", "fd00:ec2::254", "fe80::1",
            "fec0::1", "ff02::1",
        ]
    )
    func isNotPublic(_ text: String) throws {
        #expect(!PublicAddress.contains(try SocketAddress(ipAddress: text, port: 443)))
    }
}
