// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import GantryProtocol

/// A time from now on, as a person writes it: 3600, 90m, 12h or 30d.
struct Lifespan: ExpressibleByArgument {
    private let seconds: Int

    private static let units: [Character: Int] = ["s": 1, "m": 60, "h": 3600, "d": 86400]

    init?(argument: String) {
        let unit = argument.last.flatMap { Self.units[$0] }
        guard let count = Int(unit == nil ? argument : String(argument.dropLast())), count > 0 else { return nil }
        let (seconds, overflow) = count.multipliedReportingOverflow(by: unit ?? 1)
        guard !overflow else { return nil }
        self.seconds = seconds
    }

    /// Its end, when it begins now.
    var end: Timestamp { Timestamp(Date(timeIntervalSinceNow: Double(seconds))) }
}
