// SPDX-License-Identifier: Apache-2.0

package import GantryModel
package import GantryProtocol

/// The part of a machine's row that reports and time limits change.
package struct StoredMachine: Sendable, Hashable {
    package let id: VirtualMachineID
    package let uuid: MachineUUID
    package let name: String
    package let organizationID: OrganizationID
    package var phase: MachinePhase
    package var desired: WantedPower
    package var generation: Generation
    package var bootCounter: Int
    /// Whether ACTIVE has to wait for a floating IP.
    package var wantsFloatingIP: Bool
    /// Whether its node may not have yet the floating IP that it was given.
    package var attachesFloatingIP: Bool
    /// Whether its node may still have the floating IP that was taken away.
    package var detachesFloatingIP: Bool
    /// Whether it gets a floating IP when it is restored, since it gave one up when it was hibernated.
    package var restoresFloatingIP: Bool
    /// Whether its node may not have plugged in and out yet what was attached and detached.
    package var changesVolumes: Bool
    /// Whether its node may not have taken yet the rules that were added and removed.
    package var changesRules: Bool
    package var nodeID: NodeID?
    /// Whether it claims vCPUs, memory and GPUs of its node; the disk it always does.
    package var holdsCompute: Bool
    /// Whether it gives those up when it is off, by its flavor.
    package let stopPolicy: StopPolicy
    /// Whether the node must confirm that nothing is left before the machine is placed elsewhere.
    package var evicting: Bool
    /// The nodes that could not, in the order tried.
    package var triedNodes: [NodeID]
    /// Whether it is off only because it is moved, or lost its node, so that it is started where it is placed.
    package var startsElsewhere: Bool
    package var appliedGeneration: Generation
    package var observed: ObservedPower
    package var floatingIPWired: Bool
    package var activity: Activity?
    package var fault: Fault?
    /// Whether its owner wants to be told of its status.
    package var callsBack: Bool
    /// Whether it has a volume on its node's own disk, so that no other node can have it.
    package var isBound: Bool
    /// Whether its root disk is a file of its node's, and no volume.
    package var hasOwnDisk: Bool
    /// Whether its disk is being copied: nothing else is done with it meanwhile.
    package var isSnapshotting: Bool
    /// Whether some node has it as an orphan too: nothing is done with it before that is removed.
    package var hasOrphan: Bool

    package init(
        id: VirtualMachineID,
        uuid: MachineUUID,
        name: String,
        organizationID: OrganizationID,
        phase: MachinePhase,
        desired: WantedPower,
        generation: Generation,
        bootCounter: Int,
        wantsFloatingIP: Bool,
        attachesFloatingIP: Bool = false,
        detachesFloatingIP: Bool = false,
        restoresFloatingIP: Bool = false,
        changesVolumes: Bool = false,
        changesRules: Bool = false,
        nodeID: NodeID?,
        holdsCompute: Bool = true,
        stopPolicy: StopPolicy = .keep,
        evicting: Bool = false,
        triedNodes: [NodeID] = [],
        startsElsewhere: Bool = false,
        appliedGeneration: Generation = Generation(0),
        observed: ObservedPower = .absent,
        floatingIPWired: Bool = false,
        activity: Activity? = nil,
        fault: Fault? = nil,
        callsBack: Bool = false,
        isBound: Bool = false,
        hasOwnDisk: Bool = true,
        isSnapshotting: Bool = false,
        hasOrphan: Bool = false
    ) {
        self.id = id
        self.uuid = uuid
        self.name = name
        self.organizationID = organizationID
        self.phase = phase
        self.desired = desired
        self.generation = generation
        self.bootCounter = bootCounter
        self.wantsFloatingIP = wantsFloatingIP
        self.attachesFloatingIP = attachesFloatingIP
        self.detachesFloatingIP = detachesFloatingIP
        self.restoresFloatingIP = restoresFloatingIP
        self.changesVolumes = changesVolumes
        self.changesRules = changesRules
        self.nodeID = nodeID
        self.holdsCompute = holdsCompute
        self.stopPolicy = stopPolicy
        self.evicting = evicting
        self.triedNodes = triedNodes
        self.startsElsewhere = startsElsewhere
        self.appliedGeneration = appliedGeneration
        self.observed = observed
        self.floatingIPWired = floatingIPWired
        self.activity = activity
        self.fault = fault
        self.callsBack = callsBack
        self.isBound = isBound
        self.hasOwnDisk = hasOwnDisk
        self.isSnapshotting = isSnapshotting
        self.hasOrphan = hasOrphan
    }

    /// What its node has to make of it.
    package var wantedOnNode: WantedPower { evicting ? .absent : desired }

    /// Whether it is on its way from one node to another, which nothing but its deletion ends.
    package var isMoving: Bool {
        switch phase {
        case .stopping: startsElsewhere
        case .shutoff, .hibernated: startsElsewhere || evicting || nodeID == nil
        case .creating, .building, .active, .starting, .rebooting, .hibernating, .restoring, .deleting, .deleted,
            .error:
            false
        }
    }

    /// What of it is on its node's own disk, so that no other node can have it; nil for nothing.
    package var localState: String? {
        if hasOwnDisk { return "its root disk is on the node" }
        return isBound ? "a volume of it is in the node's own storage pool" : nil
    }
}
