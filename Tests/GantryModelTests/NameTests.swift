// SPDX-License-Identifier: Apache-2.0

import Foundation
import GantryModel
import Testing

@Suite("Names, digests and identifiers hold only what they may")
struct NameTests {
    @Test(
        "A node's name is one DNS label",
        arguments: ["a", "0", "n1", "gpu-node-17", String(repeating: "a", count: 63)]
    )
    func node(_ text: String) throws {
        #expect(try NodeName(text).description == text)
    }

    @Test(
        "Anything else is none, and is told what is",
        arguments: [
            "", "-a", "a-", "A", "a.b", "a_b", "a b", "ü", "a/b", "a\n", "名", String(repeating: "a", count: 64),
            "e\u{301}",
        ]
    )
    func noNode(_ text: String) {
        let error = #expect(throws: InvalidValue.self) { try NodeName(text) }
        #expect(error?.description.contains("1 to 63") == true)
    }

    @Test("A digest is 64 hexadecimal digits, kept in lower case")
    func digest() throws {
        let text = String(repeating: "0123456789abcdef", count: 4)
        #expect(try SHA256Digest(text.uppercased()).description == text)
        let short = String(text.dropLast())
        for wrong in ["", short, text + "0", short + "g", short + "０"] {
            #expect(throws: InvalidValue.self, "\(wrong)") { try SHA256Digest(wrong) }
        }
    }

    @Test("A UUID is read in either case and written in lower case")
    func uuid() throws {
        let uuid = try MachineUUID("6F9619FF-8B86-D011-B42D-00CF4FC964FF")
        #expect(uuid.description == "6f9619ff-8b86-d011-b42d-00cf4fc964ff")
        #expect(uuid.bytes.prefix(4) == [0x6F, 0x96, 0x19, 0xFF])
        for wrong in ["", "6F9619FF", "6F9619FF-8B86-D011-B42D-00CF4FC964F", "../../etc/passwd"] {
            #expect(throws: InvalidValue.self, "\(wrong)") { try MachineUUID(wrong) }
        }
    }

    @Test("An identifier is a plain number in JSON, and an own type in Swift")
    func identifier() throws {
        #expect(String(decoding: try JSONEncoder().encode([FlavorID(7)]), as: UTF8.self) == "[7]")
        #expect(try JSONDecoder().decode([FlavorID].self, from: Data("[7]".utf8)) == [FlavorID(7)])
        #expect(FlavorID(9) < FlavorID(10))
        #expect(throws: DecodingError.self) { try JSONDecoder().decode([FlavorID].self, from: Data("[\"7\"]".utf8)) }
    }
}
