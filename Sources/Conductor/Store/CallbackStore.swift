// SPDX-License-Identifier: Apache-2.0

package import GantryModel
package import Postgres

/// Machines' callback URLs and what became of telling them, always within one organization.
package struct CallbackStore: Sendable {
    private let database: Database

    package init(database: Database) {
        self.database = database
    }

    // MARK: - URLs

    /// Sets the URL of a machine that has none. What its status is now is not told, only what it becomes.
    ///
    /// - Returns: the machine's name.
    /// - Throws: ``MachineRefusal`` with `notFound`, or `wrongState` when it has one.
    package func attach(
        _ url: String,
        to id: VirtualMachineID,
        in organization: OrganizationID
    ) async throws -> String {
        try await database.transaction { transaction in
            let (name, current) = try Self.lock(id, in: organization, transaction)
            guard current == nil else {
                throw MachineRefusal(.wrongState, "VM \(name) has a callback URL already; use update-callback.")
            }
            try transaction.execute(
                """
                UPDATE virtual_machine vm SET callback_url = \(url), callback_status = (
                    SELECT CASE WHEN n.state = 'silent' THEN w.unseen ELSE w.seen END
                    FROM unnest(\(StatusWords.phases)::text[], \(StatusWords.observed)::text[],
                        \(StatusWords.seen)::text[], \(StatusWords.unseen)::text[])
                        AS w (phase, observed, seen, unseen) LEFT JOIN compute_node n ON n.id = vm.node_id
                    WHERE w.phase = vm.phase AND w.observed = vm.observed_power)
                WHERE vm.id = \(id)
                """
            )
            return name
        }
    }

    /// Sets another URL. What waits to be told goes there, at once.
    ///
    /// - Returns: the machine's name.
    /// - Throws: ``MachineRefusal`` with `notFound`, or `wrongState` when it has none.
    package func update(
        _ url: String,
        of id: VirtualMachineID,
        in organization: OrganizationID
    ) async throws -> String {
        try await database.transaction { transaction in
            let name = try Self.lockWithURL(id, in: organization, transaction)
            try transaction.execute("UPDATE virtual_machine SET callback_url = \(url) WHERE id = \(id)")
            try transaction.execute(
                """
                UPDATE callback_delivery SET url = \(url),
                    next_attempt_at = CASE WHEN leased_until > now() THEN next_attempt_at ELSE now() END
                WHERE vm_id = \(id) AND state = 'waiting'
                """
            )
            return name
        }
    }

    /// Deletes the URL. What waits to be told is not told any more.
    ///
    /// - Returns: the machine's name.
    /// - Throws: ``MachineRefusal`` with `notFound`, or `wrongState` when it has none.
    package func remove(from id: VirtualMachineID, in organization: OrganizationID) async throws -> String {
        try await database.transaction { transaction in
            let name = try Self.lockWithURL(id, in: organization, transaction)
            try transaction.execute("UPDATE virtual_machine SET callback_url = NULL WHERE id = \(id)")
            try transaction.execute(
                """
                UPDATE callback_delivery SET state = 'cancelled', leased_until = NULL
                WHERE vm_id = \(id) AND state = 'waiting'
                """
            )
            return name
        }
    }

    private static func lockWithURL(
        _ id: VirtualMachineID,
        in organization: OrganizationID,
        _ transaction: Transaction
    ) throws -> String {
        let (name, current) = try lock(id, in: organization, transaction)
        guard current != nil else {
            throw MachineRefusal(.wrongState, "VM \(name) has no callback URL; use attach-callback.")
        }
        return name
    }

    private static func lock(
        _ id: VirtualMachineID,
        in organization: OrganizationID,
        _ transaction: Transaction
    ) throws -> (name: String, url: String?) {
        let rows = try transaction.query(
            """
            SELECT name, callback_url FROM virtual_machine
            WHERE id = \(id) AND organization_id = \(organization) AND deleted_at IS NULL FOR UPDATE
            """
        )
        guard let row = rows.first else { throw MachineRefusal(.notFound, "VM \(id) does not exists.") }
        return try (row["name"], row["callback_url"])
    }

    // MARK: - Deliveries

    /// One page of them, newest first; those of one machine where it is given.
    package func deliveries(
        in organization: OrganizationID,
        of machine: VirtualMachineID?,
        _ query: ListQuery
    ) async throws -> Page<CallbackDeliveryRecord> {
        try await database.read { transaction in
            let found = try transaction.query(
                """
                WITH matching AS (
                    SELECT id FROM callback_delivery WHERE organization_id = \(organization)
                        AND (\(machine)::bigint IS NULL OR vm_id = \(machine)::bigint)
                )
                SELECT (SELECT count(*) FROM matching) AS count, ARRAY(
                    SELECT id FROM matching ORDER BY id DESC
                    LIMIT \(query.limit)::bigint OFFSET \(query.offset)::bigint
                ) AS ids
                """
            )
            return try Page(found) { (ids: [CallbackDeliveryID]) in
                let rows = try transaction.query(
                    """
                    SELECT \(raw: CallbackDeliveryRecord.columns) FROM callback_delivery d
                    WHERE d.id = ANY (\(ids)::bigint[]) ORDER BY d.id DESC
                    """
                )
                return try rows.map(CallbackDeliveryRecord.init)
            }
        }
    }

    /// Has one told again, to the resource's URL of now, for another day. One that is being sent goes on.
    ///
    /// It keeps its place: what came after it and still waits is told after it.
    ///
    /// - Returns: the delivery afterwards.
    /// - Throws: ``ResourceRefusal`` with `notFound`.
    package func replay(
        _ id: CallbackDeliveryID,
        in organization: OrganizationID
    ) async throws -> CallbackDeliveryRecord {
        try await database.transaction { transaction in
            try transaction.execute(
                """
                UPDATE callback_delivery d SET state = 'waiting', attempts = 0, url = coalesce(
                        (SELECT vm.callback_url FROM virtual_machine vm WHERE vm.id = d.vm_id),
                        (SELECT v.callback_url FROM volume v WHERE v.id = d.volume_id), d.url),
                    next_attempt_at = now(), leased_until = NULL, expires_at = now() + interval '1 day'
                WHERE d.id = \(id) AND d.organization_id = \(organization)
                    AND (d.leased_until IS NULL OR d.leased_until < now())
                """
            )
            let rows = try transaction.query(
                """
                SELECT \(raw: CallbackDeliveryRecord.columns) FROM callback_delivery d
                WHERE d.id = \(id) AND d.organization_id = \(organization)
                """
            )
            guard let row = rows.first else {
                throw ResourceRefusal(.notFound, "Callback delivery \(id) does not exist.")
            }
            return try CallbackDeliveryRecord(row)
        }
    }
}
