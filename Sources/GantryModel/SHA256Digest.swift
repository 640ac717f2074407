// SPDX-License-Identifier: Apache-2.0

/// A SHA-256 digest as 64 lower-case hexadecimal digits.
public struct SHA256Digest: TextValue {
    public let description: String

    public init(_ text: String) throws(InvalidValue) {
        let lower = text.lowercased()
        guard lower.utf8.count == 64, lower.allSatisfy({ $0.isASCII && $0.isHexDigit }) else {
            throw InvalidValue("“\(text)” is not a SHA-256 digest: that is 64 hexadecimal digits.")
        }
        description = lower
    }
}
