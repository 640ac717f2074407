// SPDX-License-Identifier: Apache-2.0

extension FixedWidthInteger {
    /// The number that hexadecimal digits write; nil for a sign, which the standard initializer takes.
    init?(hexadecimal text: some StringProtocol) {
        guard text.allSatisfy({ $0.isASCII && $0.isHexDigit }) else { return nil }
        self.init(text, radix: 16)
    }
}
