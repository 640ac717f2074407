// SPDX-License-Identifier: Apache-2.0

/// What an organization or an environment may have, and has.
public struct QuotaBody: AnswerContent, Hashable {
    public static let singular = "quota"
    public static let plural = "quotas"

    public var limits: QuotaLimits
    public var used: Used

    public init(limits: QuotaLimits, used: Used) {
        (self.limits, self.used) = (limits, used)
    }

    /// What there is, in whatever state.
    public struct Used: Codable, Sendable, Hashable {
        public var vms: Int
        public var vcpus: Int
        public var memoryGiB: Double
        public var gpus: Int
        public var volumes: Int
        public var volumeGiB: Int
        public var floatingIPs: Int

        public init(
            vms: Int,
            vcpus: Int,
            memoryGiB: Double,
            gpus: Int,
            volumes: Int,
            volumeGiB: Int,
            floatingIPs: Int
        ) {
            (self.vms, self.vcpus, self.memoryGiB, self.gpus) = (vms, vcpus, memoryGiB, gpus)
            (self.volumes, self.volumeGiB, self.floatingIPs) = (volumes, volumeGiB, floatingIPs)
        }

        private enum CodingKeys: String, CodingKey {
            case vms
            case vcpus
            case memoryGiB = "memory_gib"
            case gpus
            case volumes
            case volumeGiB = "volume_gib"
            case floatingIPs = "floating_ips"
        }
    }
}

/// Limits, of which those that are null or left out are none.
public struct QuotaLimits: RequestFields, Hashable {
    @Nullable public var vms: Int?
    @Nullable public var vcpus: Int?
    @Nullable public var memoryGiB: Int?
    @Nullable public var gpus: Int?
    @Nullable public var volumes: Int?
    @Nullable public var volumeGiB: Int?
    @Nullable public var floatingIPs: Int?

    public init(
        vms: Int? = nil,
        vcpus: Int? = nil,
        memoryGiB: Int? = nil,
        gpus: Int? = nil,
        volumes: Int? = nil,
        volumeGiB: Int? = nil,
        floatingIPs: Int? = nil
    ) {
        (_vms, _vcpus) = (Nullable(wrappedValue: vms), Nullable(wrappedValue: vcpus))
        (_memoryGiB, _gpus) = (Nullable(wrappedValue: memoryGiB), Nullable(wrappedValue: gpus))
        (_volumes, _volumeGiB) = (Nullable(wrappedValue: volumes), Nullable(wrappedValue: volumeGiB))
        _floatingIPs = Nullable(wrappedValue: floatingIPs)
    }

    public init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        func limit(_ key: CodingKeys) throws -> Int? { try fields.decodeIfPresent(Int.self, forKey: key) }
        try self.init(
            vms: limit(.vms),
            vcpus: limit(.vcpus),
            memoryGiB: limit(.memoryGiB),
            gpus: limit(.gpus),
            volumes: limit(.volumes),
            volumeGiB: limit(.volumeGiB),
            floatingIPs: limit(.floatingIPs)
        )
    }

    public enum CodingKeys: String, CodingKey, CaseIterable {
        case vms
        case vcpus
        case memoryGiB = "memory_gib"
        case gpus
        case volumes
        case volumeGiB = "volume_gib"
        case floatingIPs = "floating_ips"
    }
}
