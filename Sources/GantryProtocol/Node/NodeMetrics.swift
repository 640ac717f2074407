// SPDX-License-Identifier: Apache-2.0

public import GantryModel

/// What an agent measured of the node's running machines a moment ago: `POST /v1/internal/nodes/{node}/metrics`.
public struct NodeMetrics: Hashable, Sendable, Codable {
    public var protocolVersion: Int
    public var machines: [MachineSample]

    public init(machines: [MachineSample]) {
        protocolVersion = ProtocolVersion.current
        self.machines = machines
    }

    private enum CodingKeys: String, CodingKey {
        case protocolVersion = "protocol_version"
        case machines
    }
}

/// What a running machine has used. All but the memory is counted since its hypervisor process began; what is not known is
/// left out.
public struct MachineSample: Hashable, Sendable, Codable {
    public var uuid: MachineUUID
    /// Nanoseconds of all processors together.
    public var cpuTime: Int64?
    /// Bytes of the host's memory that are in use for it, at most its own.
    public var memory: Int64?
    /// Bytes that the guest received.
    public var networkIn: Int64?
    /// Bytes that the guest sent.
    public var networkOut: Int64?
    /// Bytes.
    public var diskRead: Int64?
    /// Bytes.
    public var diskWritten: Int64?

    public init(
        uuid: MachineUUID,
        cpuTime: Int64? = nil,
        memory: Int64? = nil,
        networkIn: Int64? = nil,
        networkOut: Int64? = nil,
        diskRead: Int64? = nil,
        diskWritten: Int64? = nil
    ) {
        self.uuid = uuid
        self.cpuTime = cpuTime
        self.memory = memory
        self.networkIn = networkIn
        self.networkOut = networkOut
        self.diskRead = diskRead
        self.diskWritten = diskWritten
    }

    private enum CodingKeys: String, CodingKey {
        case uuid
        case cpuTime = "cpu_time"
        case memory
        case networkIn = "network_in"
        case networkOut = "network_out"
        case diskRead = "disk_read"
        case diskWritten = "disk_written"
    }
}
