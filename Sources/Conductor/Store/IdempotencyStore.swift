// SPDX-License-Identifier: Apache-2.0

import Foundation
import GantryModel
import Postgres

/// The keys by which clients mark requests as one and the same.
enum IdempotencyStore {
    /// Takes a key for the request of this transaction, or finds the machines of the request that had it before.
    ///
    /// A request with the same key that is still under way is waited for.
    ///
    /// - Returns: nil when the key is now this transaction's; otherwise the earlier request's machines.
    /// - Throws: ``MachineRefusal`` with `idempotencyMismatch` when the earlier request was another one.
    static func take(
        _ claim: IdempotencyClaim,
        for organization: OrganizationID,
        _ transaction: Transaction
    ) throws -> [VirtualMachineID]? {
        // A key that is pruned between the two statements is taken in the second round.
        while true {
            let taken = try transaction.execute(
                """
                INSERT INTO idempotency_key (organization_id, key, request_digest, vm_ids)
                VALUES (\(organization), \(claim.key), decode(\(claim.digest), 'hex'), '{}')
                ON CONFLICT DO NOTHING
                """
            )
            if taken == 1 { return nil }
            if let machines = try find(claim, for: organization, transaction) { return machines }
        }
    }

    /// The machines of an earlier request with this key; nil when there was none, or it is still under way.
    ///
    /// - Throws: ``MachineRefusal`` with `idempotencyMismatch` when the earlier request was another one.
    static func find(
        _ claim: IdempotencyClaim,
        for organization: OrganizationID,
        _ transaction: Transaction
    ) throws -> [VirtualMachineID]? {
        let rows = try transaction.query(
            """
            SELECT encode(request_digest, 'hex') AS digest, vm_ids
            FROM idempotency_key WHERE organization_id = \(organization) AND key = \(claim.key)
            """
        )
        guard let row = rows.first else { return nil }
        guard try row["digest"] == claim.digest.description else {
            throw MachineRefusal(
                .idempotencyMismatch,
                "The idempotency key “\(claim.key)” was used with another request; use a new key for a new request."
            )
        }
        return try row["vm_ids"]
    }

    /// Notes what the request of this transaction made.
    static func record(
        _ machines: [VirtualMachineID],
        under claim: IdempotencyClaim,
        for organization: OrganizationID,
        _ transaction: Transaction
    ) throws {
        try transaction.execute(
            """
            UPDATE idempotency_key SET vm_ids = \(machines)::bigint[]
            WHERE organization_id = \(organization) AND key = \(claim.key)
            """
        )
    }
}
