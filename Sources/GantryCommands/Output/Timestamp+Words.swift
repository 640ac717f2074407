// SPDX-License-Identifier: Apache-2.0

import Foundation
import GantryProtocol

extension Timestamp {
    /// It as people and programs read it, with its zone.
    var words: String { date.formatted(.iso8601) }
}
