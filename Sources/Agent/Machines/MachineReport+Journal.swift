// SPDX-License-Identifier: Apache-2.0

package import GantryModel
package import GantryProtocol

extension MachineReport {
    /// What to tell of a machine.
    ///
    /// - Parameters:
    ///   - entry: What the journal says.
    ///   - domain: What is there; nil for none.
    ///   - fault: What keeps the newest task from being done; nil when nothing does.
    ///   - activity: What is being done now.
    package init(_ entry: JournalEntry, _ domain: ObservedDomain?, fault: Fault? = nil, activity: Activity? = nil) {
        let power = Self.power(entry, domain)
        // A guest that is off keeps its part of the network as long as it is defined.
        let isOff = entry.task.power == .stopped || entry.task.power == .hibernated
        let isUp = power == .running || isOff && domain != nil
        let isWired = isUp && entry.task.spec?.network.floatingIP != nil
        self.init(
            uuid: entry.task.uuid,
            appliedGeneration: fault == nil ? entry.applied ?? Generation(0) : entry.task.generation,
            power: power,
            activity: activity,
            floatingIPWired: entry.isApplied && fault == nil && isWired,
            bootCounter: domain?.mark.bootCounter ?? 0,
            guestShutDown: entry.guestShutDown,
            fault: fault
        )
    }

    private static func power(_ entry: JournalEntry, _ domain: ObservedDomain?) -> ObservedPower {
        switch (domain?.state, entry.task.power) {
        case (.running, _): .running
        case (.paused, _): .paused
        case (.crashed, .running): .crashed
        case (.crashed, _), (.shutDown, _), (.off, _): .stopped
        case (nil, .running): .absent
        case (nil, .stopped), (nil, .hibernated): .stopped
        // Without a domain it may still have files and addresses here.
        case (nil, .absent): entry.isApplied ? .absent : .stopped
        }
    }
}
