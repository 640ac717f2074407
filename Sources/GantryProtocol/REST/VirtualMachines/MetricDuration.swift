// SPDX-License-Identifier: Apache-2.0

/// How far back a machine's metrics are asked for, as the query says it.
public enum MetricDuration: String, CaseIterable, Sendable {
    case hour = "1h"
    case twoHours = "2h"
    case fourHours = "4h"
    case sixHours = "6h"
    case twelveHours = "12h"
    case day = "1d"
    case threeDays = "3d"
    case sevenDays = "7d"
    case fifteenDays = "15d"
    case thirtyDays = "30d"

    public var hours: Int {
        switch self {
        case .hour: 1
        case .twoHours: 2
        case .fourHours: 4
        case .sixHours: 6
        case .twelveHours: 12
        case .day: 24
        case .threeDays: 3 * 24
        case .sevenDays: 7 * 24
        case .fifteenDays: 15 * 24
        case .thirtyDays: 30 * 24
        }
    }
}
