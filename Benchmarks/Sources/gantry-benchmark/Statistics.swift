// SPDX-License-Identifier: Apache-2.0

import Foundation
import Histogram

/// Durations of one kind of operation, in microseconds.
struct Latencies: Sendable {
    private var histogram = Histogram<UInt64>(
        highestTrackableValue: 600_000_000,
        numberOfSignificantValueDigits: .three
    )

    mutating func record(_ duration: Duration) {
        let microseconds = duration / .microseconds(1)
        histogram.record(UInt64(max(microseconds, 1)))
    }

    /// The value below which this share of the operations took, in milliseconds.
    func percentile(_ percent: Double) -> Double {
        Double(histogram.valueAtPercentile(percent)) / 1000
    }
}

/// The median of some numbers; nil of none.
func median(_ values: [Double]) -> Double? {
    guard !values.isEmpty else { return nil }
    let sorted = values.sorted()
    let middle = sorted.count / 2
    return sorted.count.isMultiple(of: 2) ? (sorted[middle - 1] + sorted[middle]) / 2 : sorted[middle]
}

extension Double {
    /// With so many digits after the point.
    func text(_ digits: Int) -> String { String(format: "%.\(digits)f", self) }
}

extension Duration {
    var milliseconds: Double { self / .milliseconds(1) }
}
