// SPDX-License-Identifier: Apache-2.0

/// Everything that the agent does for a machine, in the order of a create and then of a delete.
///
/// Each step may be repeated harmlessly, from any half-done state. The tests take the points at which they kill the
/// agent from this table, so a step that is not in it is not tested.
package enum ConvergenceStep: String, CaseIterable, Sendable, Codable {
    // A task arrives.
    case journal
    case acknowledge

    // It is built.
    case image
    case volumes
    case overlay
    case seed
    case network
    case filter
    case bind
    case define
    case start

    // It is changed while it runs.
    case plug

    // It is stopped or taken down.
    case shutDown = "shut_down"
    case destroy
    case undefine
    case unfilter
    case unlink
    case remove

    // The conductor learns of it.
    case settle
    case report
    case forget

    /// Whether the step mostly waits, for a server, a guest, a device or a disk of others. It keeps no other machine from its turn.
    package var isWaiting: Bool { [.image, .volumes, .bind, .plug, .shutDown].contains(self) }

    /// The steps that a create goes through.
    package static let create: [ConvergenceStep] = [
        .journal, .acknowledge, .image, .overlay, .seed, .network, .filter, .define, .start, .settle, .report,
    ]

    /// The step that is new where a machine has GPUs.
    package static let gpus: [ConvergenceStep] = [.bind]

    /// The steps that are new when the volumes of a machine that runs are changed.
    package static let volumeChange: [ConvergenceStep] = [.volumes, .plug, .define, .settle]

    /// The steps that a delete goes through.
    package static let delete: [ConvergenceStep] = [
        .journal, .acknowledge, .destroy, .undefine, .unfilter, .unlink, .remove, .settle, .report, .forget,
    ]
}

/// Is told of each step before and after it. Tests end the process there.
package struct StepObserver: Sendable {
    package enum Edge: String, Sendable, CaseIterable { case before, after }

    private let notice: @Sendable (ConvergenceStep, Edge) -> Void

    package init(_ notice: @escaping @Sendable (ConvergenceStep, Edge) -> Void = { _, _ in }) {
        self.notice = notice
    }

    /// Does a step's work between its two notices.
    package func around<Value, Failure: Error>(
        _ step: ConvergenceStep,
        _ work: () async throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        notice(step, .before)
        let value = try await work()
        notice(step, .after)
        return value
    }
}
