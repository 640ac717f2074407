// SPDX-License-Identifier: Apache-2.0

import Postgres

/// Why something other than a machine or node is not made, changed or removed. Nothing was changed.
package struct ResourceRefusal: Error, Sendable, Hashable, CustomStringConvertible {
    package enum Reason: Sendable, Hashable {
        /// It could never be.
        case invalid
        /// It, or something that it names, does not exist, or not for the caller.
        case notFound
        /// Another one has its name or its addresses.
        case taken
        /// Something stands on it.
        case inUse
        /// Its state does not allow it.
        case wrongState
        /// There are none left to give out.
        case exhausted
        /// The caller's key may not.
        case forbidden
    }

    package let reason: Reason
    /// What is wrong and what would be right.
    package let message: String

    package init(_ reason: Reason, _ message: String) {
        (self.reason, self.message) = (reason, message)
    }

    package var description: String { message }

    /// Something that is looked up by the name of a field's value.
    static func missing(_ field: String, _ what: String, _ name: String) -> ResourceRefusal {
        ResourceRefusal(.notFound, "\(field): there is no \(what) “\(name)”.")
    }
}
