// SPDX-License-Identifier: Apache-2.0

/// An IPv6 address. Its text is read in every form of RFC 4291 and written in the one of RFC 5952.
public struct IPv6Address: TextValue {
    /// The address as a number, most significant byte first.
    public let value: UInt128

    public init(value: UInt128) {
        self.value = value
    }

    public init(_ text: String) throws(InvalidValue) {
        let halves = text.split(separator: "::", omittingEmptySubsequences: false)
        guard let groups = Self.groups(halves), groups.count == 8 else {
            throw InvalidValue("“\(text)” is not an IPv6 address; write one such as 2001:db8::10.")
        }
        value = groups.reduce(0) { $0 << 16 | UInt128($1) }
    }

    public var description: String {
        let groups = (0..<8).map { UInt16(truncatingIfNeeded: value >> UInt128(16 * (7 - $0))) }
        guard let zeros = Self.longestZeros(groups) else { return Self.text(groups[...]) }
        return "\(Self.text(groups[..<zeros.lowerBound]))::\(Self.text(groups[zeros.upperBound...]))"
    }

    private static func text(_ groups: ArraySlice<UInt16>) -> String {
        groups.map { String($0, radix: 16) }.joined(separator: ":")
    }

    /// The first of the longest runs of at least two groups that are zero.
    private static func longestZeros(_ groups: [UInt16]) -> Range<Int>? {
        var longest: Range<Int>?
        var start = 0
        for (index, group) in groups.enumerated() {
            guard group == 0 else {
                start = index + 1
                continue
            }
            if index + 1 - start > max(longest?.count ?? 1, 1) { longest = start..<index + 1 }
        }
        return longest
    }

    /// All groups of what stands before and after `::`, which stands for one zero at least; nil for what is none.
    private static func groups(_ halves: [Substring]) -> [UInt16]? {
        guard halves.count <= 2, let last = halves.last, let tail = groups(last, endsAddress: true) else { return nil }
        guard halves.count == 2 else { return tail }
        guard let head = groups(halves[0], endsAddress: false), head.count + tail.count < 8 else { return nil }
        return head + Array(repeating: 0, count: 8 - head.count - tail.count) + tail
    }

    /// - Parameters:
    ///   - text: groups with colons between them; may be empty.
    ///   - endsAddress: whether it may end with an IPv4 address in place of the last two groups.
    /// - Returns: nil for what is none.
    private static func groups(_ text: Substring, endsAddress: Bool) -> [UInt16]? {
        guard !text.isEmpty else { return [] }
        var groups: [UInt16] = []
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        for (index, part) in parts.enumerated() {
            if endsAddress, index == parts.count - 1, let address = try? IPv4Address(String(part)) {
                groups += [UInt16(address.value >> 16), UInt16(truncatingIfNeeded: address.value)]
                continue
            }
            guard part.utf8.count <= 4, let group = UInt16(hexadecimal: part) else { return nil }
            groups.append(group)
        }
        return groups
    }
}
