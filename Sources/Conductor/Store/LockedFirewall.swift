// SPDX-License-Identifier: Apache-2.0

import GantryModel
import Postgres

/// A firewall whose row is locked: its rules and machines stay as they are until the transaction ends.
///
/// Whoever needs both locks firewalls first, by id, and then machines, by id.
struct LockedFirewall: Sendable {
    let id: FirewallID
    let name: String
    let environment: EnvironmentID

    /// Locks firewalls in the order of their ids.
    ///
    /// - Returns: all of them.
    /// - Throws: ``ResourceRefusal`` with `notFound` when one is not the organization's.
    static func lock(
        _ ids: [FirewallID],
        in organization: OrganizationID,
        _ transaction: Transaction
    ) throws -> [LockedFirewall] {
        let rows = try transaction.query(
            """
            SELECT f.id, f.name, f.environment_id FROM firewall f JOIN environment e ON e.id = f.environment_id
            WHERE f.id = ANY (\(ids)::bigint[]) AND e.organization_id = \(organization)
            ORDER BY f.id FOR UPDATE OF f
            """
        )
        let found = try rows.map {
            try LockedFirewall(id: $0["id"], name: $0["name"], environment: $0["environment_id"])
        }
        if let missing = Set(ids).subtracting(found.map(\.id)).min() { throw notFound(missing) }
        return found
    }

    static func notFound(_ id: FirewallID) -> ResourceRefusal {
        ResourceRefusal(.notFound, "Firewall \(id) does not exist.")
    }
}
