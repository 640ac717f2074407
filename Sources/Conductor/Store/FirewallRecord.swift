// SPDX-License-Identifier: Apache-2.0

package import Foundation
package import GantryModel

/// A firewall: rules that several machines of one environment have in common.
package struct FirewallRecord: Sendable {
    package var id: FirewallID
    package var name: String
    package var description: String
    package var environment: VirtualMachineRecord.Environment
    package var rules: [Rule]
    /// One for each machine that has it.
    package var attachments: [Attachment]
    package var createdAt: Date

    /// Whether the nodes of all its machines have its rules as they are now.
    package var isApplied: Bool { attachments.allSatisfy(\.isApplied) }

    package struct Rule: Sendable, Hashable {
        package var id: FirewallRuleID
        package var rule: SecurityRule
        package var createdAt: Date
    }

    package struct Attachment: Sendable {
        package var id: FirewallAttachmentID
        package var machine: Machine
        package var isApplied: Bool
        package var createdAt: Date
    }

    package struct Machine: Sendable {
        package var id: VirtualMachineID
        package var name: String
        package var flavorName: String
        package var status: MachineStatus
        package var createdAt: Date
    }
}
