// SPDX-License-Identifier: Apache-2.0

package import Foundation
package import GantryModel
package import GantryProtocol

/// A virtual machine with all that the API shows of it.
package struct VirtualMachineRecord: Sendable {
    package var id: VirtualMachineID
    package var uuid: MachineUUID
    package var organizationID: OrganizationID
    package var name: String
    package var hostname: String
    package var environment: Environment
    package var flavor: Flavor
    package var image: Image
    /// Names of the bound keys, in the order asked for.
    package var keyNames: [String]
    package var labels: [String]
    package var securityRules: [Rule]
    package var volumes: [Volume]
    package var isSnapshotting: Bool
    package var callbackURL: String?
    package var assignFloatingIP: Bool
    package var hasEnhancedMetrics: Bool
    package var mac: MACAddress
    /// Nil only after deletion.
    package var privateAddress: IPv4Address?
    /// The one that it has, gives up, or gets as soon as another machine has given it up.
    package var floatingIP: IPv4Address?
    package var floatingIPWired: Bool
    package var detachesFloatingIP: Bool
    package var desired: WantedPower
    package var generation: Generation
    package var appliedGeneration: Generation
    /// Nil while it is on no node.
    package var node: Node?
    package var situation: MachineSituation
    package var activity: Activity?
    package var fault: Fault?
    /// What its GPUs may suffer from; nil when they are well.
    package var degradedReason: String?
    package var createdAt: Date
    package var updatedAt: Date
    package var deletedAt: Date?

    package var status: MachineStatus { situation.status }

    /// Whether the node has taken a rule of its.
    package func hasApplied(_ rule: Rule) -> Bool { appliedGeneration >= rule.generation && !rule.isChanging }

    /// The API's words: `NO FLOATING IP`, `ATTACHING`, `ATTACHED` or `DETACHING`.
    package var floatingIPStatus: String {
        guard floatingIP != nil else { return "NO FLOATING IP" }
        guard !detachesFloatingIP else { return "DETACHING" }
        return floatingIPWired ? "ATTACHED" : "ATTACHING"
    }

    package struct Environment: Sendable, Hashable {
        package var id: EnvironmentID
        package var name: String
        package var regionID: RegionID
        package var regionName: String
    }

    /// The flavor's name with what the machine got of it.
    package struct Flavor: Sendable, Hashable {
        package var id: FlavorID
        package var name: String
        package var resources: Resources
        /// Empty without GPUs.
        package var gpuType: String
        package var gpuCount: Int
    }

    package struct Image: Sendable, Hashable {
        package var id: ImageID
        package var name: String
        package var type: String
        package var version: String
    }

    package struct Rule: Sendable, Hashable {
        package var id: SecurityRuleID
        package var rule: SecurityRule
        /// The machine's generation that brought it.
        package var generation: Generation
        /// Whether it was added and its node has not taken it yet without a fault.
        package var isChanging: Bool
        package var createdAt: Date
    }

    /// A volume that it has, is to get or has yet to let go of. Read from what the database writes as JSON.
    package struct Volume: Sendable, Hashable, Decodable {
        /// The attachment's.
        package var id: VolumeAttachmentID
        package var state: VolumeAttachmentRecord.State
        package var isProtected: Bool
        /// Seconds since 1970.
        package var createdAt: Double
        package var volumeID: VolumeID
        package var uuid: VolumeUUID
        package var name: String
        package var description: String
        package var sizeGiB: Int
        package var type: String
        package var isBootable: Bool

        private enum CodingKeys: String, CodingKey {
            case id
            case state
            case isProtected = "protected"
            case createdAt = "created_at"
            case volumeID = "volume_id"
            case uuid
            case name
            case description
            case sizeGiB = "size_gib"
            case type
            case isBootable = "bootable"
        }
    }

    package struct Node: Sendable, Hashable {
        package var id: NodeID
        package var name: NodeName
    }
}

/// One line of a machine's history.
package struct MachineEventRecord: Sendable, Hashable {
    package enum Kind: String, Sendable, Hashable { case normal, warning }

    package var machineID: VirtualMachineID
    package var machineName: String
    package var organizationID: OrganizationID
    /// Who asked; nil when it happened by itself.
    package var userID: UserID?
    package var kind: Kind
    /// The vendor's name of the event, such as `InstanceCreationSuccess`.
    package var reason: String
    package var message: String
    package var createdAt: Date
}
