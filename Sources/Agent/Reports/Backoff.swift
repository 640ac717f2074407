// SPDX-License-Identifier: Apache-2.0

/// How long to wait before the next attempt: any time up to a bound, which doubles with each failure in a row.
///
/// Full jitter, so that thousands of agents that lost one conductor in the same moment come back to it evenly.
package struct Backoff: Sendable {
    private let bounds: ClosedRange<Duration>
    private var bound: Duration

    /// - Parameter bounds: The bound of the first wait, and the highest.
    package init(_ bounds: ClosedRange<Duration>) {
        (self.bounds, bound) = (bounds, bounds.lowerBound)
    }

    /// The wait after another failure.
    package mutating func next() -> Duration {
        var generator = SystemRandomNumberGenerator()
        return next(using: &generator)
    }

    /// The same, by another's randomness.
    package mutating func next(using generator: inout some RandomNumberGenerator) -> Duration {
        defer { bound = min(bound * 2, bounds.upperBound) }
        return bound * Double.random(in: 0...1, using: &generator)
    }

    /// An attempt succeeded.
    package mutating func reset() { bound = bounds.lowerBound }
}
