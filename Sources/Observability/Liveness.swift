// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Whether a program's loops still go round. One that does not, for longer than anything in it may take, is a reason to
/// start the program anew.
public final class Liveness: Sendable {
    private let deadlines = Mutex<[String: ContinuousClock.Instant]>([:])

    public init() {}

    /// Notes that a loop went round.
    ///
    /// - Parameters:
    ///   - loop: its name.
    ///   - patience: how long it takes at most until it says so again.
    public func beat(_ loop: String, within patience: Duration) {
        let deadline = ContinuousClock.now + patience
        deadlines.withLock { $0[loop] = deadline }
    }

    /// The loops that should have gone round by now, sorted. One that never began does not count.
    public var stalled: [String] {
        let now = ContinuousClock.now
        return deadlines.withLock { deadlines in deadlines.filter { $0.value < now }.map(\.key).sorted() }
    }
}
