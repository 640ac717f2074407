// SPDX-License-Identifier: Apache-2.0

public import GantryModel

/// A machine of ours that a host has, with what it holds there.
///
/// What the host's agent no longer knows is nil: where its journal lost the machine, its domain and files are still there.
public struct HostedMachine: Hashable, Sendable, Codable {
    public var uuid: MachineUUID
    public var isRunning: Bool
    /// The name its owner gave it.
    public var name: String?
    public var resources: Resources?
    public var network: NetworkAttachment?
    public var gpus: [PCIAddress]
    public var volumes: [VolumeSpec]

    public init(uuid: MachineUUID, isRunning: Bool, spec: MachineSpec? = nil) {
        (self.uuid, self.isRunning) = (uuid, isRunning)
        (name, resources, network) = (spec?.name, spec?.resources, spec?.network)
        gpus = spec?.gpus.map(\.address) ?? []
        volumes = spec?.volumes ?? []
    }

    private enum CodingKeys: String, CodingKey {
        case uuid
        case isRunning = "running"
        case name
        case resources
        case network
        case gpus
        case volumes
    }
}
