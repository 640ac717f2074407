// SPDX-License-Identifier: Apache-2.0

import GantryModel
import GantryProtocol
import Postgres

/// How many packet filter rules there may be, so that a machine's task and its node's filter stay bounded.
package enum SecurityRuleLimits {
    /// In one request, beside the default ones.
    package static let perRequest = 100
    /// Of a machine alone, with the default ones.
    package static let perMachine = 102
    package static let perFirewall = 100
    package static let firewallsPerMachine = 10
    package static let machinesPerFirewall = 500
}

extension SecurityRuleLimits {
    /// Checks that one more rule can be added, which is not there yet.
    ///
    /// - Parameters:
    ///   - found: one row, with the `count` of rules and the id of the `same` one.
    ///   - owner: how the refusals name it, such as `VM web`.
    ///   - limit: how many it may have.
    /// - Throws: ``ResourceRefusal`` with `taken` or `invalid`.
    static func check(_ found: [Row], of owner: String, limit: Int) throws {
        guard let row = found.first else { throw PostgresError(.decoding, "a count of rules has no row") }
        if let same: Int64 = try row["same"] {
            throw ResourceRefusal(.taken, "\(owner) has this rule already; its id is \(same).")
        }
        let count: Int = try row["count"]
        guard count < limit else {
            throw ResourceRefusal(.invalid, "\(owner) has \(count) rules, as many as it may have; remove one first.")
        }
    }
}

extension SecurityRule {
    /// The ends of its ports, as the tables have them.
    var portColumns: (low: Int?, high: Int?) { (ports.map { Int($0.lowerBound) }, ports.map { Int($0.upperBound) }) }
}
