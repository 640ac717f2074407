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

    /// What a start may take besides, for each GiB of memory. All of it is zeroed first where it is huge pages, for which
    /// libvirt too allows a second (`qemuConnectMonitor`), and pinned page by page where the guest has GPUs.
    package var startPerGiB: Duration = .seconds(2)

    package init() {}

    /// The limit of a phase for a machine with so much memory; nil for those that may last for ever.
    package func limit(of phase: MachinePhase, memoryMiB: Int) -> Duration? {
        limit(of: phase).map { $0 + perMiB(of: phase) * memoryMiB }
    }

    /// What each MiB of memory adds to the limit of a phase in which a guest is started.
    package func perMiB(of phase: MachinePhase) -> Duration {
        [.building, .starting, .rebooting, .restoring].contains(phase) ? startPerGiB / 1024 : .zero
    }

    /// The limit of a phase but for its machine's memory; nil for those that may last for ever.
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
