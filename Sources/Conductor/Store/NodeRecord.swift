// SPDX-License-Identifier: Apache-2.0

package import Foundation
package import GantryModel

/// A compute node as operators see it.
package struct NodeRecord: Sendable {
    package enum State: String, Sendable, Hashable {
        /// Its agent never came.
        case new
        case up
        /// Its reports stopped; what runs there goes on.
        case silent
        /// An operator made sure that nothing runs there any more.
        case dead
    }

    /// What there is of the secrets by which its agent is let in.
    package enum Credentials: String, Sendable, Hashable {
        case valid
        /// Its agent has been asked for new ones and has not used them yet; those that it has are valid.
        case rotating
        /// There are none: its host has to join again.
        case revoked
    }

    package var id: NodeID
    package var name: NodeName
    package var regionID: RegionID
    package var regionName: String
    /// The host's own name, as its agent first gave it.
    package var hostname: String?
    package var state: State
    package var credentials: Credentials
    package var cordoned: Bool
    package var cordonReason: String?
    /// Nil while it is not drained.
    package var drain: NodeDrainRecord?
    /// Set until a host came back and is rid of what went elsewhere.
    package var declaredDeadAt: Date?
    /// How it was made sure that nothing runs there.
    package var fencedBy: String?
    /// False while the agent names problems.
    package var healthy: Bool
    package var problems: [String]
    /// True when the host lost capacity that was already given out.
    package var shrunk: Bool
    /// True from a restore of the database on, until the agent has said what the host holds.
    package var unsurveyed: Bool
    /// Whether new machines may go there.
    package var schedulable: Bool
    package var virtType: String?
    package var hypervisorVersion: String?
    package var agentVersion: String?
    package var total: Resources
    package var reserved: Resources
    package var ratios: OvercommitRatios
    /// The size of the huge pages that machines' memory is made of; nil for ordinary ones.
    package var memoryPageMiB: Int?
    /// What may be given out: total without reserved, times the ratios, of huge pages at most all.
    package var limit: Resources
    package var allocated: Resources
    package var gpus: [GPURecord]
    package var machineCount: Int
    package var lastReportAt: Date?
    /// Another one each time that the host is started.
    package var bootID: String?
    package var createdAt: Date
}

/// How far the drain of a node is. The numbers are those of a reconciler's last look, nil before the first.
package struct NodeDrainRecord: Sendable, Hashable {
    package var policy: DrainPolicy
    package var since: Date
    /// Machines that are still to stop, or to go.
    package var left: Int?
    /// Machines that are left where they are.
    package var staying: Int?
    /// What holds it up, other than the machines themselves.
    package var obstacle: String?
    /// Since when nothing is left to do.
    package var finishedAt: Date?
}

/// How much of a node's amounts may be given out, relative to what it has.
package struct OvercommitRatios: Sendable, Hashable {
    /// 0.1 to 64.
    package let vcpu: Double
    /// 0.1 to 8.
    package let memory: Double
    /// 0.1 to 64.
    package let disk: Double

    /// - Throws: `InvalidValue` for a ratio outside its bounds.
    package init(vcpu: Double = 1, memory: Double = 1, disk: Double = 1) throws(InvalidValue) {
        try Self.check(vcpu, "vCPU", 0.1...64)
        try Self.check(memory, "memory", 0.1...8)
        try Self.check(disk, "disk", 0.1...64)
        (self.vcpu, self.memory, self.disk) = (vcpu, memory, disk)
    }

    private static func check(_ ratio: Double, _ what: String, _ bounds: ClosedRange<Double>) throws(InvalidValue) {
        guard bounds.contains(ratio) else {
            throw InvalidValue(
                "\(ratio) is no \(what) overcommit ratio; it is \(bounds.lowerBound) to \(bounds.upperBound)."
            )
        }
    }
}
