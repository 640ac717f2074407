// SPDX-License-Identifier: Apache-2.0

import Foundation

/// Random numbers that a seed repeats, so that a failure can be looked at again (Steele, Lea and Flood, “Fast splittable
/// pseudorandom number generators”).
package struct RepeatableGenerator: RandomNumberGenerator, Sendable {
    private var state: UInt64

    package init(_ seed: UInt64) { state = seed }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
        return z ^ z >> 31
    }

    package mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &self) < percent }
}

/// What random lives are told apart by; a failure names its own.
package enum Seeds {
    /// Some that repeat, and some that nobody tried before, of which `GANTRY_TEST_SEEDS` sets the number.
    package static func lives(_ count: UInt64, andNew more: Int) -> [UInt64] {
        let more = ProcessInfo.processInfo.environment["GANTRY_TEST_SEEDS"].flatMap(Int.init) ?? more
        return (1...count) + (0..<more).map { _ in UInt64.random(in: 1000...UInt64.max) }
    }
}
