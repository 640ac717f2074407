// SPDX-License-Identifier: Apache-2.0

/// The stored state of a virtual machine. All its edges are in ``MachinePhase/edges``; nothing else sets a phase.
///
/// ```
///                    evict
///              ┌──────────────────┐
///              ▼                  │
///   create ▶ creating ──work──▶ building ──ready──▶ active ◀──────ready──────┐
///              └───────────ready───────────────────▶ │  │ │                  │
///                                                    │  │ └─down──▶ starting ┤
///                    ┌───────────stop────────────────┘  │             ▲      │
///                    ▼                                reboot        start    │
///                 stopping ──off──▶ shutoff ────────────┼─────────────┘      │
///                                      ▲                ▼                    │
///            active, starting, rebooting ──off──   rebooting ────────────────┘
///            (the guest shut itself down)
///
///   creating, building, active, stopping, starting, rebooting,
///   hibernating, restoring ──fail or expire──▶ error
///       error ──ready──▶ active      error ──off──▶ shutoff      (it heals by itself)
///       error ──stop──▶ stopping     error ──reboot──▶ rebooting
///   active ──hibernate──▶ hibernating ──asleep──▶ hibernated ──restore──▶ restoring ──ready──▶ active
///       error ──asleep──▶ hibernated   restoring ──off──▶ shutoff
///   creating, error ──cleared──▶ creating   (the node that could not build it kept nothing; it is placed again)
///   every phase of a machine that was built ──lose──▶ error      (its node was declared dead, with its disk)
///   every phase but deleting, deleted ──missing──▶ error   (its host lost it in the time that a restore took back)
///   every phase ──delete──▶ deleting ──gone──▶ deleted
/// ```
///
/// `expire` means that the phase's time limit passed. `deleting` has no such edge: a deletion that takes too long says
/// so and goes on. What a machine claimed is kept in every phase but `deleted`; `hibernated` keeps the disk alone, and so
/// does `shutoff` where the flavor's ``StopPolicy`` is to release.
package enum MachinePhase: String, Sendable, Hashable, CaseIterable {
    /// Placed and claimed; its node has not begun.
    case creating
    /// Its node works on it.
    case building
    /// It runs as wanted, its floating IP wired.
    case active
    case stopping
    case shutoff
    case starting
    case rebooting
    case hibernating
    /// Its disk is kept; its vCPUs, memory and GPUs are free for others.
    case hibernated
    case restoring
    case deleting
    /// Nothing is left of it but its history.
    case deleted
    /// It is not what is wanted, for the reason in its fault.
    case error

    /// What moves a machine from one phase to the next.
    package enum Trigger: Sendable, Hashable, CaseIterable {
        // Asked by its owner.
        case delete, start, stop, reboot, hibernate, restore
        /// Its node began.
        case work
        /// It runs as the newest generation wants it.
        case ready
        /// It is shut off, as wanted or by the guest itself.
        case off
        /// It is shut off, as hibernation wants it.
        case asleep
        /// It should run and does not; its node starts it again.
        case down
        /// A fault that neither waiting nor another node mends.
        case fail
        /// This node cannot; nothing of the tenant's is there yet, so another may.
        case evict
        /// The node that it was to leave confirmed that nothing is left there.
        case cleared
        /// Its node, which had built it, no longer has it: the database was restored.
        case missing
        /// Its node confirmed that nothing is left, as its owner asked.
        case gone
        /// The phase's time limit passed.
        case expire
        /// Its node was declared dead, and its disk is there.
        case lose
    }

    /// The phase that follows, or nil when the trigger changes nothing here.
    package func after(_ trigger: Trigger) -> MachinePhase? {
        Self.edges[self]?[trigger]
    }

    /// Whether something is under way in it that ends by itself, or by its time limit.
    package var isTransitional: Bool {
        switch self {
        case .creating, .building, .stopping, .starting, .rebooting, .hibernating, .restoring, .deleting: true
        case .active, .shutoff, .hibernated, .deleted, .error: false
        }
    }

    private static let edges: [MachinePhase: [Trigger: MachinePhase]] = [
        .creating: [
            .work: .building, .ready: .active, .evict: .creating, .cleared: .creating,
            .off: .shutoff, .fail: .error, .expire: .error, .lose: .error, .missing: .error, .delete: .deleting,
        ],
        .building: [
            .ready: .active, .evict: .creating, .off: .shutoff,
            .fail: .error, .expire: .error, .lose: .error, .missing: .error, .delete: .deleting,
        ],
        .active: [
            .stop: .stopping, .reboot: .rebooting, .hibernate: .hibernating, .down: .starting, .off: .shutoff,
            .fail: .error, .lose: .error, .missing: .error, .delete: .deleting,
        ],
        .stopping: [
            .off: .shutoff, .fail: .error, .expire: .error, .lose: .error, .missing: .error, .delete: .deleting,
        ],
        .shutoff: [.start: .starting, .lose: .error, .missing: .error, .delete: .deleting],
        .starting: [
            .ready: .active, .off: .shutoff, .fail: .error, .expire: .error,
            .lose: .error, .missing: .error, .delete: .deleting,
        ],
        .rebooting: [
            .ready: .active, .off: .shutoff, .fail: .error, .expire: .error,
            .lose: .error, .missing: .error, .delete: .deleting,
        ],
        .hibernating: [
            .asleep: .hibernated, .fail: .error, .expire: .error, .lose: .error, .missing: .error, .delete: .deleting,
        ],
        .hibernated: [.restore: .restoring, .lose: .error, .missing: .error, .delete: .deleting],
        .restoring: [
            .ready: .active, .off: .shutoff, .fail: .error, .expire: .error,
            .lose: .error, .missing: .error, .delete: .deleting,
        ],
        .error: [
            .ready: .active, .off: .shutoff, .asleep: .hibernated, .stop: .stopping, .reboot: .rebooting,
            .cleared: .creating, .lose: .error, .missing: .error, .delete: .deleting,
        ],
        .deleting: [.gone: .deleted],
        .deleted: [:],
    ]
}
