// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// What a program's parts say of themselves, for `/healthz` and `/readyz`.
public final class Health: Sendable {
    /// How one part is.
    public enum Condition: Hashable, Sendable {
        case well
        /// With a sentence for the operator.
        case ill(String)
    }

    private let parts = Mutex<[String: Condition]>([:])

    public init() {}

    /// Notes how a part is. A part that never spoke does not count.
    public func report(_ part: String, _ condition: Condition) {
        parts.withLock { $0[part] = condition }
    }

    /// Every part that spoke.
    public var conditions: [String: Condition] { parts.withLock { $0 } }

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
