// SPDX-License-Identifier: Apache-2.0

public import GantryModel

/// A volume that a machine has, as its node needs to know it.
public struct VolumeSpec: Hashable, Sendable, Codable {
    public var uuid: VolumeUUID
    /// The name of the storage pool that holds its file.
    public var pool: String
    public var sizeGiB: Int
    /// What its contents begin as; nil for an empty one.
    public var image: ImageSource?
    /// Whether the node may make the file where there is none. Of a volume that was in use a missing file is a fault:
    /// an empty one in its place would look like lost data.
    public var isNew: Bool
    /// Whether the machine boots from it; then it has no disk of its own.
    public var isRoot: Bool

    public init(
        uuid: VolumeUUID,
        pool: String,
        sizeGiB: Int,
        image: ImageSource? = nil,
        isNew: Bool = true,
        isRoot: Bool = false
    ) {
        (self.uuid, self.pool, self.sizeGiB) = (uuid, pool, sizeGiB)
        (self.image, self.isNew, self.isRoot) = (image, isNew, isRoot)
    }

    private enum CodingKeys: String, CodingKey {
        case uuid
        case pool
        case sizeGiB = "size_gib"
        case image
        case isNew = "is_new"
        case isRoot = "is_root"
    }
}

extension MachineSpec {
    /// The volume that the machine boots from; nil when it boots from a disk of its own.
    public var rootVolume: VolumeSpec? { volumes.first(where: \.isRoot) }
}

/// A volume whose file has to go from a pool, and with it all data.
public struct AbsentVolume: Hashable, Sendable, Codable {
    public var uuid: VolumeUUID
    /// The name of the storage pool.
    public var pool: String

    public init(uuid: VolumeUUID, pool: String) {
        (self.uuid, self.pool) = (uuid, pool)
    }
}
