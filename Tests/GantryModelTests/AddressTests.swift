// SPDX-License-Identifier: Apache-2.0

import Foundation
import GantryModel
import Testing

@Suite("An address has one form as text, and nothing else is an address")
struct AddressTests {
    @Test("IPv4", arguments: ["0.0.0.0", "192.0.2.10", "255.255.255.255", "10.0.0.1"])
    func ipv4(_ text: String) throws {
        #expect(try IPv4Address(text).description == text)
    }

    @Test(
        "What is no IPv4 address says what would be",
        arguments: [
            "", "192.0.2", "192.0.2.1.1", "192.0.2.256", "192.0.2.-1", "192.0.2.01", "192.0.2.+1", " 192.0.2.1",
            "192.0.2.1\n", "0x7f.0.0.1", "1..2.3", "١٩٢.0.2.1", "::1", "192.0.2.1/24",
        ]
    )
    func noIPv4(_ text: String) {
        let error = #expect(throws: InvalidValue.self) { try IPv4Address(text) }
        #expect(error?.description.contains("IPv4") == true)
    }

    @Test("IPv4 addresses are ordered as numbers")
    func order() throws {
        let sorted = try ["10.0.0.9", "10.0.0.10", "9.255.255.255"].map { try IPv4Address($0) }.sorted()
        #expect(sorted.map(\.description) == ["9.255.255.255", "10.0.0.9", "10.0.0.10"])
    }

    @Test("A MAC address is read in either case and written in lower case")
    func mac() throws {
        #expect(try MACAddress("02:AB:cd:00:0F:ff").description == "02:ab:cd:00:0f:ff")
        for text in [
            "", "02:ab:cd:00:0f", "02:ab:cd:00:0f:ff:00", "2:ab:cd:00:0f:ff", "02-ab-cd-00-0f-ff", "02:ab:cd:00:0f:fg",
            "+2:ab:cd:00:0f:ff",
        ] {
            #expect(throws: InvalidValue.self, "\(text)") { try MACAddress(text) }
        }
    }

    @Test("A machine's own MAC address is local, of one host, and follows from its UUID")
    func localMAC() {
        for _ in 1...100 {
            let uuid = MachineUUID()
            let mac = MACAddress(localFor: uuid)
            // IEEE 802: local administration is bit 1 of the first byte, a group is bit 0.
            #expect(mac.bytes[0] & 0b11 == 0b10)
            #expect(mac == MACAddress(localFor: uuid))
            #expect(mac.bytes.dropFirst().elementsEqual(uuid.bytes[1..<6]))
        }
    }

    @Test("PCI, of any domain", arguments: ["0000:65:00.0", "0001:00:1f.7", "10001:e1:00.0", "ffffffff:ff:1f.7"])
    func pci(_ text: String) throws {
        #expect(try PCIAddress(text).description == text)
    }

    @Test("A PCI address is read in either case, and all of it is needed")
    func pciParts() throws {
        let address = try PCIAddress("0001:AF:1E.3")
        #expect((address.domain, address.bus, address.device, address.function) == (1, 0xAF, 0x1E, 3))
        #expect(address.description == "0001:af:1e.3")
        for text in [
            "", "65:00.0", "000:65:00.0", "0000:65:00", "0000:65:20.0", "0000:65:00.8", "0000:65:00.a", "0000:165:00.0",
            "0000:65:0.0", "0000:65:00.0.0", "100000000:65:00.0", "0000:6g:00.0", "0000:65:00.+1", "0000:+5:00.0",
        ] {
            #expect(throws: InvalidValue.self, "\(text)") { try PCIAddress(text) }
        }
    }

    @Test("PCI addresses are ordered by domain, bus, device and function")
    func pciOrder() throws {
        let texts = ["0000:65:00.1", "0001:00:00.0", "0000:65:00.0", "0000:05:1f.7", "10000:00:00.0"]
        #expect(
            try texts.map { try PCIAddress($0) }.sorted().map(\.description)
                == ["0000:05:1f.7", "0000:65:00.0", "0000:65:00.1", "0001:00:00.0", "10000:00:00.0"]
        )
    }

    @Test("All travel in JSON as their text, and text that is none is an error there")
    func json() throws {
        func roundTrip<Value: TextValue>(_ value: Value, _ text: String) throws {
            let encoder = JSONEncoder()
            encoder.outputFormatting = .withoutEscapingSlashes
            let data = try encoder.encode([value])
            #expect(String(decoding: data, as: UTF8.self) == "[\"\(text)\"]")
            #expect(try JSONDecoder().decode([Value].self, from: data) == [value])
            #expect(throws: DecodingError.self) { try JSONDecoder().decode([Value].self, from: Data("[\"?\"]".utf8)) }
        }
        try roundTrip(try IPv4Address("192.0.2.7"), "192.0.2.7")
        try roundTrip(try Subnet("192.0.2.0/24"), "192.0.2.0/24")
        try roundTrip(try MACAddress("02:00:00:00:00:07"), "02:00:00:00:00:07")
        try roundTrip(try PCIAddress("0000:65:00.0"), "0000:65:00.0")
        try roundTrip(try NodeName("n1"), "n1")
        let uuid = "00000000-0000-4000-8000-00000000000a"
        try roundTrip(try MachineUUID(uuid.uppercased()), uuid)
    }
}
