// SPDX-License-Identifier: Apache-2.0

/// Why a virtual machine is not what it should be, in a form that both programs and people can act on.
public struct Fault: Hashable, Sendable, Codable, Error, CustomStringConvertible {
    public let code: Code
    /// A sentence for the tenant. It holds no path or name of the host's own.
    public let message: String

    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { "\(code.rawValue): \(message)" }

    /// What may mend a fault.
    public enum Remedy: String, Hashable, Sendable, Codable {
        /// The same node may succeed when tried again.
        case retry
        /// This node cannot; another may.
        case elsewhere
        /// No node can: the tenant or operator has to change something.
        case abort
    }

    /// The stable name of a fault. New codes may come; an unknown one is read as it is and its remedy is `abort`.
    public struct Code: RawRepresentable, Hashable, Sendable, Codable {
        public let rawValue: String

        public init(rawValue: String) {
            self.rawValue = rawValue
        }

        public init(from decoder: any Decoder) throws {
            rawValue = try decoder.singleValueContainer().decode(String.self)
        }

        public func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            try container.encode(rawValue)
        }

        // The image, as published, cannot be used by any node.
        public static let imageMissing = Code(rawValue: "image_missing")
        public static let imageDigestMismatch = Code(rawValue: "image_digest_mismatch")
        public static let imageTruncated = Code(rawValue: "image_truncated")
        public static let imageInvalid = Code(rawValue: "image_invalid")
        public static let imageUnsafe = Code(rawValue: "image_unsafe")
        public static let imageTooLarge = Code(rawValue: "image_too_large")

        // The request cannot be met by the guest's own configuration.
        public static let specUnsupported = Code(rawValue: "spec_unsupported")

        // This host lacks something.
        public static let hostDiskFull = Code(rawValue: "host_disk_full")
        public static let hostOutOfMemory = Code(rawValue: "host_out_of_memory")
        public static let hostGPUUnavailable = Code(rawValue: "host_gpu_unavailable")
        public static let hostGPUBusy = Code(rawValue: "host_gpu_busy")
        public static let hostNetworkFailed = Code(rawValue: "host_network_failed")
        public static let hypervisorRefused = Code(rawValue: "hypervisor_refused")

        // It may pass by itself.
        public static let hypervisorUnreachable = Code(rawValue: "hypervisor_unreachable")
        public static let imageUnreachable = Code(rawValue: "image_unreachable")
        public static let hostCommandFailed = Code(rawValue: "host_command_failed")

        // A volume. The machine is as it was without the change.
        public static let volumeUnavailable = Code(rawValue: "volume_unavailable")
        public static let volumeHeld = Code(rawValue: "volume_held")

        // The guest.
        public static let guestCrashed = Code(rawValue: "guest_crashed")
        public static let guestPaused = Code(rawValue: "guest_paused")
        public static let guestAgentMissing = Code(rawValue: "guest_agent_missing")
        public static let guestRefused = Code(rawValue: "guest_refused")

        // Said by the conductor alone.
        public static let timeLimit = Code(rawValue: "time_limit")
        public static let nodeSilent = Code(rawValue: "node_silent")
        public static let nodeDead = Code(rawValue: "node_dead")
        public static let noCapacity = Code(rawValue: "no_capacity")
        public static let machineMissing = Code(rawValue: "machine_missing")

        /// All of this version's.
        public static let known: [Code] = [
            .imageMissing, .imageDigestMismatch, .imageTruncated, .imageInvalid, .imageUnsafe, .imageTooLarge,
            .specUnsupported, .hostDiskFull, .hostOutOfMemory, .hostGPUUnavailable, .hostGPUBusy, .hostNetworkFailed,
            .hypervisorRefused, .hypervisorUnreachable, .imageUnreachable, .hostCommandFailed, .volumeUnavailable,
            .volumeHeld, .guestCrashed, .guestPaused, .guestAgentMissing, .guestRefused, .timeLimit, .nodeSilent,
            .nodeDead, .noCapacity, .machineMissing,
        ]

        /// Whether it may pass by itself, so that a machine that can be nowhere else waits for it.
        public var mayPass: Bool { self == .hostGPUBusy || remedy == .retry }

        /// What may mend it.
        public var remedy: Remedy { Self.remedies[self] ?? .abort }

        private static let remedies: [Code: Remedy] = [
            .hostDiskFull: .elsewhere,
            .hostOutOfMemory: .elsewhere,
            .hostGPUUnavailable: .elsewhere,
            .hostGPUBusy: .elsewhere,
            .hostNetworkFailed: .elsewhere,
            .hypervisorRefused: .elsewhere,
            .hypervisorUnreachable: .retry,
            .imageUnreachable: .retry,
            .hostCommandFailed: .retry,
            .volumeUnavailable: .retry,
            .volumeHeld: .retry,
            .nodeSilent: .retry,
            .timeLimit: .retry,
        ]
    }
}
