// SPDX-License-Identifier: Apache-2.0

public import GantryModel

/// What an operator hands to a new host: a secret that is good for one join, and what the conductor is known by.
public struct JoinToken: TextValue {
    /// What the conductor keeps the digest of.
    public let secret: String
    /// The digest of the conductor's certificate authorities; nil where it has none of its own.
    public let authorities: SHA256Digest?

    /// Tells a token from keys.
    public static let prefix = "gantry-join-"

    public init(secret: String, authorities: SHA256Digest?) {
        (self.secret, self.authorities) = (secret, authorities)
    }

    public init(_ text: String) throws(InvalidValue) {
        let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        guard text.hasPrefix(Self.prefix), parts[0].utf8.count > Self.prefix.utf8.count,
            parts[0].utf8.allSatisfy({ (0x21...0x7E).contains($0) })
        else {
            throw InvalidValue(
                "This is no join token; `gantry node token create` makes one, which begins “\(Self.prefix)”."
            )
        }
        secret = String(parts[0])
        guard parts.count == 2 else {
            authorities = nil
            return
        }
        guard let digest = try? SHA256Digest(String(parts[1])) else {
            throw InvalidValue("The join token is cut off or has a letter too many; copy the whole of it.")
        }
        authorities = digest
    }

    public var description: String { authorities.map { "\(secret).\($0)" } ?? secret }
}
