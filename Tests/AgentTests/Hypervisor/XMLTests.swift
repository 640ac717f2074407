// SPDX-License-Identifier: Apache-2.0

import Agent
import Foundation
import Testing

#if canImport(FoundationXML)
    import FoundationXML
#endif

@Suite("What is written as XML is read back as it was")
struct XMLTests {
    /// Reads one element's text and its attribute `a`.
    private final class Reader: NSObject, XMLParserDelegate {
        var text = ""
        var attribute: String?

        func parser(
            _ parser: XMLParser,
            didStartElement name: String,
            namespaceURI: String?,
            qualifiedName: String?,
            attributes: [String: String]
        ) { attribute = attributes["a"] }

        func parser(_ parser: XMLParser, foundCharacters string: String) { text += string }
    }

    private func read(_ text: String) throws -> Reader {
        let reader = Reader()
        let parser = XMLParser(data: Data(XML("e", ["a": text], text: text).text.utf8))
        parser.delegate = reader
        #expect(parser.parse(), "\(text.debugDescription)")
        return reader
    }

    @Test(
        "Metacharacters, white space and every alphabet",
        arguments: ["<>&\"'", "]]>", "<!--", "&amp;", "a\tb\nc\rd", "  x  ", "é 名前 🦕", "\u{FFFD}", "\u{10FFFF}"]
    )
    func readBack(_ text: String) throws {
        let reader = try read(text)
        #expect(reader.text.unicodeScalars.elementsEqual(text.unicodeScalars))
        #expect(reader.attribute?.unicodeScalars.elementsEqual(text.unicodeScalars) == true)
    }

    @Test("A scalar that XML 1.0 cannot hold becomes the replacement character")
    func unspeakable() throws {
        for scalar in ["\u{0}", "\u{1}", "\u{1F}", "\u{FFFE}", "\u{FFFF}"] {
            #expect(try read("a\(scalar)b").text == "a\u{FFFD}b", "\(scalar.debugDescription)")
        }
    }
}
