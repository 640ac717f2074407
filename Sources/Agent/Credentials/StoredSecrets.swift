// SPDX-License-Identifier: Apache-2.0

import Crypto
import Foundation
import GantryProtocol

/// A node's secrets since the first rotation of those of its join, as the agent keeps them over its own restarts.
///
/// The conductor takes `current` at any time. It hears of `next` when they are on disk, and they are used, and become
/// `current`, once it has said that it knows them.
struct StoredSecrets: Hashable, Codable {
    /// Those of a rotation that is under way.
    struct Next: Hashable, Codable {
        let rotation: Int64
        let credentials: NewNodeCredentials
    }

    /// Names the join that they follow. A later one made another key, and what was before counts no more.
    let joinDigest: Data
    /// The last rotation that was done; 0 for none.
    var rotation: Int64
    var current: NewNodeCredentials
    var next: Next?

    /// Those of a join.
    init(joined: NewNodeCredentials) {
        joinDigest = Self.digest(of: joined)
        (rotation, current) = (0, joined)
    }

    /// Whether they follow that join.
    func follow(_ joined: NewNodeCredentials) -> Bool { joinDigest == Self.digest(of: joined) }

    private static func digest(of joined: NewNodeCredentials) -> Data {
        Data(SHA256.hash(data: Data(joined.apiKey.utf8)))
    }

    private enum CodingKeys: String, CodingKey {
        case joinDigest = "join_digest"
        case rotation
        case current
        case next
    }
}
