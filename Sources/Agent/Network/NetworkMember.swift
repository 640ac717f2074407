// SPDX-License-Identifier: Apache-2.0

package import GantryModel
package import GantryProtocol

/// One machine as the host's network sees it.
package struct NetworkMember: Hashable, Sendable {
    package let machineID: VirtualMachineID
    package let uuid: MachineUUID
    package let hostname: String
    package let tap: String
    package let attachment: NetworkAttachment
    package let rules: [SecurityRule]

    package init?(_ task: MachineTask) {
        guard let spec = task.spec, task.power != .absent else { return nil }
        machineID = task.machineID
        uuid = task.uuid
        hostname = spec.hostname
        tap = DomainXML.tap(of: task)
        attachment = spec.network
        rules = spec.securityRules
    }
}
