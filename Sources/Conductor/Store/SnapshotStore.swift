// SPDX-License-Identifier: Apache-2.0

package import GantryModel
package import Postgres

/// Snapshots, always within one organization. Taking one is in ``MachineLifecycle``.
package struct SnapshotStore: Sendable {
    let database: Database

    package init(database: Database) {
        self.database = database
    }

    /// One page of them, oldest first.
    package func snapshots(
        in organization: OrganizationID,
        _ query: ListQuery
    ) async throws -> Page<SnapshotRecord> {
        try await database.read { transaction in
            let found = try transaction.query(
                """
                WITH matching AS (
                    SELECT id FROM snapshot WHERE organization_id = \(organization) AND deleted_at IS NULL
                        AND (\(query.environments)::bigint[] IS NULL
                            OR environment_id = ANY (\(query.environments)::bigint[]))
                        AND (\(query.search)::text IS NULL
                            OR position(lower(\(query.search)::text) IN lower(name)) > 0)
                )
                SELECT (SELECT count(*) FROM matching) AS count, ARRAY(
                    SELECT id FROM matching ORDER BY id LIMIT \(query.limit)::bigint OFFSET \(query.offset)::bigint
                ) AS ids
                """
            )
            return try Page(found) { try Self.records($0, in: organization, transaction) }
        }
    }

    /// - Throws: ``ResourceRefusal`` with `notFound`, as all that follow.
    package func snapshot(_ id: SnapshotID, in organization: OrganizationID) async throws -> SnapshotRecord {
        try await database.read { try Self.record(id, in: organization, $0) }
    }

    /// Whether a new snapshot could have the name.
    package func isFree(_ name: String, in organization: OrganizationID) async throws -> Bool {
        try await database.read { transaction in
            try transaction.query(
                """
                SELECT FROM snapshot WHERE organization_id = \(organization) AND name = \(name) AND deleted_at IS NULL
                """
            )
            .isEmpty
        }
    }

    /// Deletes a snapshot. Its file goes when no image and no machine stands on it any more.
    ///
    /// - Throws: also ``ResourceRefusal`` with `inUse` while it is being taken.
    package func remove(_ id: SnapshotID, in organization: OrganizationID) async throws {
        try await database.transaction { transaction in
            let snapshot = try Self.lock(id, in: organization, transaction)
            guard snapshot.state != .creating else {
                throw ResourceRefusal(.inUse, "Snapshot “\(snapshot.name)” is being taken; delete it when it is there.")
            }
            _ = try transaction.together([
                "UPDATE snapshot SET state = 'deleted', deleted_at = now() WHERE id = \(id)",
                """
                UPDATE image SET deleted_at = now() WHERE snapshot_id = \(id) AND NOT listed AND deleted_at IS NULL
                """,
            ])
        }
    }

    /// Makes an image of the organization's own of a snapshot. Both stand on one file.
    ///
    /// - Throws: also ``ResourceRefusal`` with `wrongState`, or `taken` for the name.
    package func makeImage(
        _ name: String,
        labels: [String],
        of id: SnapshotID,
        in organization: OrganizationID
    ) async throws -> ImageID {
        do {
            return try await database.transaction { transaction in
                let snapshot = try Self.available(id, in: organization, transaction)
                let rows = try transaction.query(
                    """
                    INSERT INTO image (region_id, organization_id, snapshot_id, labels, name, type, version, description,
                        url, sha256, format, size)
                    SELECT region_id, organization_id, snapshot_id, \(labels)::text[], \(name), type, version,
                        \(snapshot.description), url, sha256, format, size
                    FROM image WHERE snapshot_id = \(id) AND NOT listed AND deleted_at IS NULL RETURNING id
                    """
                )
                guard let image: ImageID = try rows.first?["id"] else { throw Self.notFound(id) }
                return image
            }
        } catch let error as PostgresError where error.isUniqueViolation("image_name_unique") {
            throw ResourceRefusal(.taken, "There is an image named “\(name)” in this region; choose another name.")
        }
    }

    // MARK: - Parts

    /// A snapshot whose row is locked and that can be used.
    static func available(
        _ id: SnapshotID,
        in organization: OrganizationID,
        _ transaction: Transaction
    ) throws -> SnapshotRecord {
        let snapshot = try lock(id, in: organization, transaction)
        guard snapshot.state == .available else {
            let reason = snapshot.fault.map { "failed: \($0.message)" } ?? "is being taken; wait until it is AVAILABLE."
            throw ResourceRefusal(.wrongState, "Snapshot “\(snapshot.name)” \(reason)")
        }
        return snapshot
    }

    private static func lock(
        _ id: SnapshotID,
        in organization: OrganizationID,
        _ transaction: Transaction
    ) throws -> SnapshotRecord {
        _ = try transaction.query("SELECT FROM snapshot WHERE id = \(id) FOR UPDATE")
        return try record(id, in: organization, transaction)
    }

    static func record(
        _ id: SnapshotID,
        in organization: OrganizationID,
        _ transaction: Transaction
    ) throws -> SnapshotRecord {
        guard let record = try records([id], in: organization, transaction).first else { throw notFound(id) }
        return record
    }

    private static func records(
        _ ids: [SnapshotID],
        in organization: OrganizationID,
        _ transaction: Transaction
    ) throws -> [SnapshotRecord] {
        try transaction.query(
            """
            SELECT \(raw: SnapshotRecord.columns) FROM \(raw: SnapshotRecord.tables)
            WHERE s.id = ANY (\(ids)::bigint[]) AND s.organization_id = \(organization) AND s.deleted_at IS NULL
            ORDER BY s.id
            """
        )
        .map { try SnapshotRecord($0) }
    }

    private static func notFound(_ id: SnapshotID) -> ResourceRefusal {
        ResourceRefusal(.notFound, "Snapshot \(id) does not exist.")
    }
}
