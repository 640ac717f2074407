// SPDX-License-Identifier: Apache-2.0

/// An amount of what a flavor asks and a node offers, without GPUs, which are counted as devices.
public struct Resources: Hashable, Sendable, Codable {
    /// Virtual CPUs.
    public var vcpus: Int
    /// Memory in MiB.
    public var memoryMiB: Int
    /// Local disk in GiB.
    public var diskGiB: Int

    public init(vcpus: Int, memoryMiB: Int, diskGiB: Int) {
        (self.vcpus, self.memoryMiB, self.diskGiB) = (vcpus, memoryMiB, diskGiB)
    }

    public static let zero = Resources(vcpus: 0, memoryMiB: 0, diskGiB: 0)

    /// Whether every dimension of `amount` fits into this.
    public func covers(_ amount: Resources) -> Bool {
        vcpus >= amount.vcpus && memoryMiB >= amount.memoryMiB && diskGiB >= amount.diskGiB
    }

    public static func + (left: Self, right: Self) -> Self {
        Resources(
            vcpus: left.vcpus + right.vcpus,
            memoryMiB: left.memoryMiB + right.memoryMiB,
            diskGiB: left.diskGiB + right.diskGiB
        )
    }

    public static func - (left: Self, right: Self) -> Self {
        Resources(
            vcpus: left.vcpus - right.vcpus,
            memoryMiB: left.memoryMiB - right.memoryMiB,
            diskGiB: left.diskGiB - right.diskGiB
        )
    }

    private enum CodingKeys: String, CodingKey {
        case vcpus
        case memoryMiB = "memory_mib"
        case diskGiB = "disk_gib"
    }
}
