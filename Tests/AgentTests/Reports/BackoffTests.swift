// SPDX-License-Identifier: Apache-2.0

import Agent
import Testing

@Suite("Agents that lost one conductor in the same moment")
struct BackoffTests {
    /// Sooner than a tenth of the window after the loss, and so on.
    private func arrivals(of agents: Int, attempt: Int) -> [Int] {
        var tenths = Array(repeating: 0, count: 10)
        for _ in 0..<agents {
            var backoff = Backoff(.seconds(1)...(.seconds(16)))
            var wait = Duration.zero
            for _ in 0...attempt { wait = backoff.next() }
            let window = Duration.seconds(min(1 << attempt, 16))
            tenths[min(Int(wait / window * 10), 9)] += 1
        }
        return tenths
    }

    @Test("come back evenly over the wait, from the first attempt on", arguments: 0...6)
    func even(attempt: Int) {
        // A tenth of 20,000 is within 8 to 12 of a hundred but once in far more than a million runs.
        for count in arrivals(of: 20_000, attempt: attempt) { #expect((1600...2400).contains(count)) }
    }

    @Test("wait longer with each failure in a row, up to a bound, and begin anew after a success")
    func bounds() {
        var backoff = Backoff(.seconds(1)...(.seconds(4)))
        var latest = Latest()
        #expect((0..<4).map { _ in backoff.next(using: &latest) / .seconds(1) }.map { $0.rounded() } == [1, 2, 4, 4])
        backoff.reset()
        #expect((backoff.next(using: &latest) / .seconds(1)).rounded() == 1)
    }
}

/// Always the highest.
private struct Latest: RandomNumberGenerator {
    mutating func next() -> UInt64 { .max }
}
