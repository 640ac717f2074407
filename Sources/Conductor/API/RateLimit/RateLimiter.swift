// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// How many requests one caller may make of one conductor.
package struct RateLimit: Sendable, Hashable {
    /// In the long run.
    package var requestsPerMinute: Int
    /// At once, after a pause.
    package var burst: Int

    package init(requestsPerMinute: Int = 500, burst: Int = 500) {
        (self.requestsPerMinute, self.burst) = (requestsPerMinute, burst)
    }
}

/// A token bucket for each caller. Each conductor has its own, so with several of them a caller may make more requests.
package final class RateLimiter<Caller: Hashable & Sendable>: Sendable {
    private struct State {
        /// Nil for none.
        var limit: RateLimit?
        var buckets: [Caller: Bucket] = [:]
    }

    private let state: Mutex<State>

    /// From so many buckets on full ones are forgotten; a forgotten bucket is a full one.
    private static var maximumBuckets: Int { 10_000 }

    package init(_ limit: RateLimit?) {
        state = Mutex(State(limit: limit))
    }

    /// Sets another limit, from now on; nil for none. Nobody has more requests left than it allows.
    package func setLimit(_ limit: RateLimit?) { state.withLock { $0.limit = limit } }

    /// Takes a token from a caller's bucket.
    ///
    /// - Returns: nil when there was one; otherwise how long it is until there is.
    package func take(_ caller: Caller, at now: ContinuousClock.Instant = .now) -> Duration? {
        state.withLock { state in
            guard let limit = state.limit else { return nil }
            if state.buckets.count >= Self.maximumBuckets {
                state.buckets = state.buckets.filter { limit.filled($0.value, at: now).tokens < Double(limit.burst) }
            }
            var bucket =
                state.buckets[caller].map { limit.filled($0, at: now) }
                ?? Bucket(tokens: Double(limit.burst), filledAt: now)
            defer { state.buckets[caller] = bucket }
            guard bucket.tokens < 1 else {
                bucket.tokens -= 1
                return nil
            }
            return .seconds((1 - bucket.tokens) / limit.tokensPerSecond)
        }
    }
}

/// How many requests a caller has left, at a moment.
private struct Bucket {
    var tokens: Double
    var filledAt: ContinuousClock.Instant
}

extension RateLimit {
    fileprivate var tokensPerSecond: Double { Double(requestsPerMinute) / 60 }

    fileprivate func filled(_ bucket: Bucket, at now: ContinuousClock.Instant) -> Bucket {
        let seconds = max(.zero, bucket.filledAt.duration(to: now)) / .seconds(1)
        return Bucket(tokens: min(Double(burst), bucket.tokens + seconds * tokensPerSecond), filledAt: now)
    }
}
