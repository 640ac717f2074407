// SPDX-License-Identifier: Apache-2.0

/// A place for volumes that a host can reach.
public struct StoragePoolInventory: Hashable, Sendable, Codable {
    public enum Kind: String, Hashable, Sendable, Codable {
        /// On the host's own disk: a volume stays on the node where it was made.
        case local
        /// One directory that several nodes mount: a volume can be used by each of them, one at a time.
        case shared
    }

    /// Pools of one name are of one kind in a region, and shared ones are the same directory.
    public var name: String
    public var kind: Kind

    public init(name: String, kind: Kind) {
        (self.name, self.kind) = (name, kind)
    }
}
