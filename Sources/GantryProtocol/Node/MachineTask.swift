// SPDX-License-Identifier: Apache-2.0

public import Foundation
public import GantryModel

/// The whole wanted state of one virtual machine on one node.
///
/// It travels over the node's queue as a hint and in ``DesiredState`` as the truth. Applying it again does no harm,
/// and one of an older generation than the last applied does nothing.
public struct MachineTask: Hashable, Sendable, Codable {
    public var protocolVersion: Int
    /// Joins the logs of conductor and agent; it has no other meaning. It is the same whenever the same is wanted.
    public var taskID: UUID
    /// The request that asked for it, where it came by the queue after one; for logs alone.
    public var requestID: String?
    public var node: NodeName
    /// The node's epoch when the task was made. One from the queue counts in that session alone: what came before it is in
    /// the desired state that the session begins with, unless the database was restored since and no longer wants it.
    public var epoch: Int64?
    public var machineID: VirtualMachineID
    public var uuid: MachineUUID
    public var generation: Generation
    public var power: WantedPower
    /// Raised by each reboot that is asked for; a running domain that was started for a lower one is ended and started.
    public var bootCounter: Int
    /// What to build. Nil when `power` is `absent`, which needs none.
    public var spec: MachineSpec?
    /// What is to be done once, beside the wanted state, and is not known to be done.
    public var jobs: [MachineJob]

    public init(
        node: NodeName,
        epoch: Int64? = nil,
        machineID: VirtualMachineID,
        uuid: MachineUUID,
        generation: Generation,
        power: WantedPower,
        bootCounter: Int,
        spec: MachineSpec?,
        jobs: [MachineJob] = []
    ) {
        protocolVersion = ProtocolVersion.current
        taskID = Self.id(of: uuid, at: generation)
        self.node = node
        self.epoch = epoch
        self.machineID = machineID
        self.uuid = uuid
        self.generation = generation
        self.power = power
        self.bootCounter = bootCounter
        self.spec = spec
        self.jobs = jobs
    }

    /// The id of the task for a generation of a machine: the machine's UUID with the generation in its last bytes.
    public static func id(of machine: MachineUUID, at generation: Generation) -> UUID {
        var bytes = machine.bytes
        for index in 0..<8 { bytes[15 - index] ^= UInt8(truncatingIfNeeded: generation.rawValue >> (8 * index)) }
        return UUID(uuid: bytes.withUnsafeBytes { $0.loadUnaligned(as: uuid_t.self) })
    }

    private enum CodingKeys: String, CodingKey {
        case protocolVersion = "protocol_version"
        case taskID = "task_id"
        case requestID = "request_id"
        case node
        case epoch
        case machineID = "machine_id"
        case uuid
        case generation
        case power
        case bootCounter = "boot_counter"
        case spec
        case jobs
    }
}
