// SPDX-License-Identifier: Apache-2.0

/// The name of a compute node: one DNS label, since it names a queue, a broker user and a path too.
public struct NodeName: TextValue {
    public let description: String

    public init(_ text: String) throws(InvalidValue) {
        let edges = [text.first, text.last]
        guard (1...63).contains(text.utf8.count),
            text.utf8.allSatisfy({ Self.letters.contains($0) || Self.digits.contains($0) || $0 == Self.hyphen }),
            !edges.contains("-")
        else {
            throw InvalidValue(
                "“\(text)” is no node name; use 1 to 63 of a-z, 0-9 and “-”, with a letter or digit at both ends."
            )
        }
        description = text
    }

    private static let letters = UInt8(ascii: "a")...UInt8(ascii: "z")
    private static let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
    private static let hyphen = UInt8(ascii: "-")
}
