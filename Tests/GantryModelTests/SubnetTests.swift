// SPDX-License-Identifier: Apache-2.0

import GantryModel
import Testing

@Suite("A subnet is a network, whole and without host bits")
struct SubnetTests {
    @Test(
        "Its addresses follow from base and prefix",
        arguments: [
            ("10.1.0.0/24", "255.255.255.0", 256, "10.1.0.1", "10.1.0.255"),
            ("192.0.2.8/30", "255.255.255.252", 4, "192.0.2.9", "192.0.2.11"),
            ("10.0.0.0/8", "255.0.0.0", 1 << 24, "10.0.0.1", "10.255.255.255"),
            ("0.0.0.0/0", "0.0.0.0", 1 << 32, "0.0.0.1", "255.255.255.255"),
        ]
    )
    func parts(_ text: String, _ mask: String, _ size: Int, _ gateway: String, _ last: String) throws {
        let subnet = try Subnet(text)
        #expect(subnet.description == text)
        #expect(subnet.netmask.description == mask)
        #expect(subnet.size == size)
        #expect(subnet.gateway.description == gateway)
        #expect(subnet[size - 1].description == last)
        #expect(subnet.contains(subnet.base) && subnet.contains(subnet[size - 1]))
    }

    @Test("One address is a network too")
    func single() throws {
        let subnet = try Subnet("255.255.255.255/32")
        #expect(subnet.size == 1 && subnet[0].description == "255.255.255.255")
        #expect(subnet.netmask.description == "255.255.255.255")
    }

    @Test("What is next to it is not in it")
    func neighbours() throws {
        let subnet = try Subnet("10.1.2.0/23")
        for (text, isIn) in [("10.1.1.255", false), ("10.1.2.0", true), ("10.1.3.255", true), ("10.1.4.0", false)] {
            #expect(try subnet.contains(IPv4Address(text)) == isIn, "\(text)")
        }
    }

    @Test("Host bits are refused with the network that was meant")
    func hostBits() {
        let error = #expect(throws: InvalidValue.self) { try Subnet("10.1.0.7/24") }
        #expect(error?.description.contains("10.1.0.0/24") == true)
    }

    @Test(
        "What is no subnet says what would be",
        arguments: [
            "", "10.1.0.0", "10.1.0.0/", "10.1.0.0/33", "10.1.0.0/-1", "10.1.0.0/024", "10.1.0.0/+8", "/8",
            "10.0.0.0/8/8", "::/0",
        ]
    )
    func wrong(_ text: String) {
        let error = #expect(throws: InvalidValue.self) { try Subnet(text) }
        #expect(error?.description.contains("IPv4") == true || error?.description.contains("CIDR") == true)
    }
}
