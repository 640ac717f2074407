// SPDX-License-Identifier: Apache-2.0

package import GantryModel
package import GantryProtocol

extension MachineReport {
    /// What to tell of a machine.
    ///
    /// - Parameters:
    ///   - entry: What the journal says.
    ///   - domain: What is there; nil for none.
    ///   - fault: Why it is not as it should be; nil when it is.
    ///   - isGivenUp: Whether the generation is dealt with; otherwise the last one that was is reported.
    package init(_ entry: JournalEntry, _ domain: ObservedDomain?, fault: Fault?, isGivenUp: Bool = true) {
        let power: ObservedPower =
            switch domain?.state {
            case .running: .running
            case .paused: .paused
            case .crashed: entry.task.power == .running ? .crashed : .stopped
            case .shutDown, .off: .stopped
            // A machine that is to be off and has no domain is off; one that is to be gone is gone.
            case nil: entry.task.power == .stopped || entry.task.power == .hibernated ? .stopped : .absent
            }
        self.init(
            uuid: entry.task.uuid,
            appliedGeneration: isGivenUp ? entry.task.generation : entry.applied ?? Generation(0),
            power: power,
            floatingIPWired: power == .running && entry.task.spec?.network.floatingIP != nil,
            bootCounter: domain?.mark.bootCounter ?? 0,
            guestShutDown: entry.guestShutDown,
            fault: fault
        )
    }
}
