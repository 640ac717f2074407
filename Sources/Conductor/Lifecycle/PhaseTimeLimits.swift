// SPDX-License-Identifier: Apache-2.0

/// How long a phase may last. When the time is over the machine is in ERROR (or UNKNOWN, where its node is silent)
/// with a reason, and keeps what it claimed.
package struct PhaseTimeLimits: Sendable, Hashable {
    /// Until its node begins.
    package var creating: Duration = .seconds(600)
    /// Until it runs, the download of its image included.
    package var building: Duration = .seconds(1800)
    package var stopping: Duration = .seconds(300)
    package var starting: Duration = .seconds(600)
    package var rebooting: Duration = .seconds(600)
    package var hibernating: Duration = .seconds(300)
    package var restoring: Duration = .seconds(600)
    /// Until its node confirms; after it the deletion goes on with a visible reason.
    package var deleting: Duration = .seconds(600)

    package init() {}

    /// The limit of a phase; nil for those that may last for ever.
    package func limit(of phase: MachinePhase) -> Duration? {
        switch phase {
        case .creating: creating
        case .building: building
        case .stopping: stopping
        case .starting: starting
        case .rebooting: rebooting
        case .hibernating: hibernating
        case .restoring: restoring
        case .deleting: deleting
        case .active, .shutoff, .hibernated, .deleted, .error: nil
        }
    }
}
