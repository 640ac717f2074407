// SPDX-License-Identifier: Apache-2.0

package import GantryProtocol

/// How dense a series of samples is, in seconds, and how long one of that density is kept.
///
/// Nothing is computed when a series gets coarser. The first sample of each hour is part of all three series, the first of
/// each five minutes of two; the finer series' other samples go sooner. So a value in a coarse series is one that was
/// measured, and a machine has at most 1440 + 2016 + 720 rows.
///
/// Of a machine with enhanced metrics each minute's sample is part of the series of five minutes, so that it is kept as
/// long: the machine has at most 10080 + 720 rows.
package enum MetricGranularity: Int, CaseIterable, Sendable {
    case minute = 60
    case fiveMinutes = 300
    case hour = 3600

    /// Hours.
    package var kept: Int {
        switch self {
        case .minute: 24
        case .fiveMinutes: 7 * 24
        case .hour: 30 * 24
        }
    }

    /// The finest that reaches so far back.
    package init(reachingBack duration: MetricDuration, isEnhanced: Bool) {
        let finest = Self.allCases.first { $0.kept >= duration.hours } ?? .hour
        self = isEnhanced && finest == .fiveMinutes ? .minute : finest
    }
}
