// SPDX-License-Identifier: Apache-2.0

public import Foundation
public import GantryModel

/// The whole wanted state of one virtual machine on one node.
///
/// It travels over the node's queue as a hint and in ``DesiredState`` as the truth. Applying it again does no harm,
/// and one of an older generation than the last applied does nothing.
public struct MachineTask: Hashable, Sendable, Codable {
    public var protocolVersion: Int
    /// Joins the logs of conductor and agent; it has no other meaning.
    public var taskID: UUID
    public var node: NodeName
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
        taskID: UUID = UUID(),
        node: NodeName,
        machineID: VirtualMachineID,
        uuid: MachineUUID,
        generation: Generation,
        power: WantedPower,
        bootCounter: Int,
        spec: MachineSpec?,
        jobs: [MachineJob] = []
    ) {
        protocolVersion = ProtocolVersion.current
        self.taskID = taskID
        self.node = node
        self.machineID = machineID
        self.uuid = uuid
        self.generation = generation
        self.power = power
        self.bootCounter = bootCounter
        self.spec = spec
        self.jobs = jobs
    }

    private enum CodingKeys: String, CodingKey {
        case protocolVersion = "protocol_version"
        case taskID = "task_id"
        case node
        case machineID = "machine_id"
        case uuid
        case generation
        case power
        case bootCounter = "boot_counter"
        case spec
        case jobs
    }
}
