// SPDX-License-Identifier: Apache-2.0

public import Foundation
public import GantryModel

/// What an agent saw: `POST /v1/internal/nodes/{node}/reports`.
public struct NodeReport: Hashable, Sendable, Codable {
    public var protocolVersion: Int
    /// Issued by the conductor at registration. A report with an older one is answered 409.
    public var epoch: Int64
    /// The kernel's `/proc/sys/kernel/random/boot_id`.
    public var bootID: String
    /// Rises by one with each report of an epoch; older ones are dropped.
    public var sequence: Int64
    /// When the look at the host began.
    public var collectedAt: Date
    /// Whether `machines` names every machine of ours on the host; otherwise only those that changed.
    public var complete: Bool
    /// False makes every machine not named here `unknown`; nothing is ever concluded from its absence.
    public var hypervisorReachable: Bool
    public var machines: [MachineReport]
    /// Sent at start and when it changed.
    public var inventory: NodeInventory?
    /// What keeps this node from taking new machines, in words for its operator; empty when it is well.
    public var problems: [String]
    /// Volumes that had to go and whose files are gone.
    public var removedVolumes: [VolumeUUID]

    public init(
        epoch: Int64,
        bootID: String,
        sequence: Int64,
        collectedAt: Date,
        complete: Bool,
        hypervisorReachable: Bool,
        machines: [MachineReport],
        inventory: NodeInventory?,
        problems: [String],
        removedVolumes: [VolumeUUID] = []
    ) {
        protocolVersion = ProtocolVersion.current
        self.epoch = epoch
        self.bootID = bootID
        self.sequence = sequence
        self.collectedAt = collectedAt
        self.complete = complete
        self.hypervisorReachable = hypervisorReachable
        self.machines = machines
        self.inventory = inventory
        self.problems = problems
        self.removedVolumes = removedVolumes
    }

    private enum CodingKeys: String, CodingKey {
        case protocolVersion = "protocol_version"
        case epoch
        case bootID = "boot_id"
        case sequence
        case collectedAt = "collected_at"
        case complete
        case hypervisorReachable = "hypervisor_reachable"
        case machines
        case inventory
        case problems
        case removedVolumes = "removed_volumes"
    }
}

/// What an agent saw of one virtual machine.
public struct MachineReport: Hashable, Sendable, Codable {
    public var uuid: MachineUUID
    /// The newest generation whose wanted state was reached, or the one that `fault` is about.
    public var appliedGeneration: Generation
    public var power: ObservedPower
    /// What the agent is doing for it now; nil when it does nothing.
    public var activity: Activity?
    /// Whether the floating IP that the generation asks for is wired; false too when it asks for none.
    public var floatingIPWired: Bool
    /// The highest boot counter a start was done for.
    public var bootCounter: Int
    /// Set by the agent when the guest shut itself down: the conductor makes `stopped` the wanted power if
    /// `appliedGeneration` is still the newest.
    public var guestShutDown: Bool
    public var fault: Fault?
    /// True for a domain with our mark that no task of the agent's journal wants.
    public var orphan: Bool

    public init(
        uuid: MachineUUID,
        appliedGeneration: Generation,
        power: ObservedPower,
        activity: Activity? = nil,
        floatingIPWired: Bool = false,
        bootCounter: Int = 0,
        guestShutDown: Bool = false,
        fault: Fault? = nil,
        orphan: Bool = false
    ) {
        self.uuid = uuid
        self.appliedGeneration = appliedGeneration
        self.power = power
        self.activity = activity
        self.floatingIPWired = floatingIPWired
        self.bootCounter = bootCounter
        self.guestShutDown = guestShutDown
        self.fault = fault
        self.orphan = orphan
    }

    private enum CodingKeys: String, CodingKey {
        case uuid
        case appliedGeneration = "applied_generation"
        case power
        case activity
        case floatingIPWired = "floating_ip_wired"
        case bootCounter = "boot_counter"
        case guestShutDown = "guest_shut_down"
        case fault
        case orphan
    }
}

/// A step that is under way on a node.
public struct Activity: Hashable, Sendable, Codable {
    /// The step's stable name, such as `image`.
    public var step: String
    /// How far it is, 0 to 100, where the step can tell.
    public var percent: Int?

    public init(step: String, percent: Int? = nil) {
        self.step = step
        self.percent = percent
    }
}
