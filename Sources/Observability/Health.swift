// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// What a program's parts say of themselves, for `/readyz` and for systemd. They say it when they find out, so that asking
/// costs them nothing.
public final class Health: Sendable {
    /// How one part is.
    public enum Condition: Hashable, Sendable {
        case well
        /// With a sentence for the operator.
        case ill(String)
    }

    private struct State {
        var parts: [String: Condition] = [:]
        var watchers: [Int: AsyncStream<[String: Condition]>.Continuation] = [:]
        var lastWatcher = 0
    }

    private let state = Mutex(State())

    public init() {}

    /// Notes how a part is. A part that never spoke does not count.
    public func report(_ part: String, _ condition: Condition) {
        state.withLock { state in
            guard state.parts.updateValue(condition, forKey: part) != condition else { return }
            for watcher in state.watchers.values { watcher.yield(state.parts) }
        }
    }

    /// Every part that spoke.
    public var conditions: [String: Condition] { state.withLock { $0.parts } }

    /// Every part that spoke, now and whenever one says something new. Of changes that come faster than they are read,
    /// only the newest is kept.
    public var changes: AsyncStream<[String: Condition]> {
        AsyncStream(bufferingPolicy: .bufferingNewest(1)) { continuation in
            let id = state.withLock { state in
                state.lastWatcher += 1
                state.watchers[state.lastWatcher] = continuation
                continuation.yield(state.parts)
                return state.lastWatcher
            }
            continuation.onTermination = { _ in self.state.withLock { $0.watchers[id] = nil } }
        }
    }

    /// The parts that are ill, with why, sorted by name.
    public var complaints: [(part: String, reason: String)] {
        conditions
            .compactMap { part, condition in
                guard case .ill(let reason) = condition else { return nil }
                return (part: part, reason: reason)
            }
            .sorted { $0.part < $1.part }
    }
}
