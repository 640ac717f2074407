// SPDX-License-Identifier: Apache-2.0

package import GantryModel

/// The names of new machines and what follows from them.
package enum MachineNames {
    /// The longest name, in characters.
    package static let maximumLength = 50

    /// The names that a request gives its machines: `name`, or `name-1` to `name-N`.
    ///
    /// - Throws: ``MachineRefusal`` with `invalid` when the number makes a name too long.
    package static func numbered(_ name: String, count: Int) throws(MachineRefusal) -> [String] {
        guard count > 1 else { return [name] }
        let names = (1...count).map { "\(name)-\($0)" }
        guard names.allSatisfy({ $0.unicodeScalars.count <= maximumLength }) else {
            throw MachineRefusal(
                .invalid,
                "“\(name)” is too long for \(count) machines: “\(name)-\(count)” has more than \(maximumLength) characters."
            )
        }
        return names
    }

    /// A name that a person can remember and say, such as `quiet-heron-4821`; the same for the same UUID.
    package static func memorable(_ uuid: MachineUUID) -> String {
        let bytes = uuid.bytes
        let adjective = adjectives[Int(bytes[0]) % adjectives.count]
        let noun = nouns[Int(bytes[1]) % nouns.count]
        let number = (Int(bytes[2]) << 8 | Int(bytes[3])) % 9000 + 1000
        return "\(adjective)-\(noun)-\(number)"
    }

    /// The DNS label that a guest gets for a name, which may be any text: what is no letter a-z or digit becomes `-`.
    package static func hostname(for name: String) -> String {
        var label: [UInt8] = []
        for scalar in name.lowercased().unicodeScalars {
            let isPlain = ("a"..."z").contains(scalar) || ("0"..."9").contains(scalar)
            if isPlain {
                label.append(UInt8(scalar.value))
            } else if let last = label.last, last != hyphen {
                label.append(hyphen)
            }
            if label.count == 63 { break }
        }
        while label.last == hyphen { label.removeLast() }
        return label.isEmpty ? "vm" : String(decoding: label, as: UTF8.self)
    }

    private static let hyphen = UInt8(ascii: "-")

    private static let adjectives = [
        "amber", "bold", "brave", "bright", "brisk", "calm", "clear", "clever", "cosmic", "crisp", "deep", "eager",
        "early", "fair", "fleet", "fond", "gentle", "glad", "golden", "grand", "keen", "kind", "light", "lively",
        "lucid", "mellow", "merry", "mild", "neat", "noble", "proud", "quick", "quiet", "rapid", "sharp", "silent",
        "silver", "sleek", "smooth", "solid", "steady", "still", "sunny", "swift", "tidy", "vivid", "warm", "wise",
    ]

    private static let nouns = [
        "acorn", "anchor", "aspen", "badger", "beacon", "birch", "bison", "brook", "canyon", "cedar", "comet", "condor",
        "coral", "crane", "delta", "falcon", "fern", "finch", "fjord", "forest", "glacier", "harbor", "hazel", "heron",
        "island", "juniper", "kestrel", "lagoon", "lantern", "maple", "meadow", "meteor", "nebula", "oak", "ocean",
        "orchid", "osprey", "otter", "pebble", "pine", "prairie", "quartz", "raven", "river", "robin", "sparrow",
        "summit", "thistle", "tundra", "valley", "walnut", "willow",
    ]
}
