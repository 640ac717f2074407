// SPDX-License-Identifier: Apache-2.0

package import GantryModel
package import Postgres

/// What becomes of snapshots' files and of the jobs that take them.
package struct SnapshotFileStore: Sendable {
    private let database: Database

    package init(database: Database) {
        self.database = database
    }

    /// Whether a node may bring a snapshot's file: it is the one that takes it.
    func isTaken(_ image: StoredImageUUID, by node: NodeID) async throws -> Bool {
        try await database.read { transaction in
            try
                !transaction.query(
                    """
                    SELECT FROM snapshot s JOIN virtual_machine vm ON vm.id = s.vm_id
                    WHERE s.uuid = \(image) AND s.state = 'creating' AND vm.node_id = \(node)
                    """
                )
                .isEmpty
        }
    }

    /// Notes that the whole file is in the store.
    func noteFile(_ image: StoredImageUUID, digest: SHA256Digest, bytes: Int64) async throws {
        _ = try await database.transaction { transaction in
            try transaction.execute(
                """
                UPDATE snapshot SET sha256 = \(digest), bytes = \(bytes) WHERE uuid = \(image) AND state = 'creating'
                """
            )
        }
    }

    /// Brings snapshots to where their jobs are: those that are done become images that machines can be restored from.
    static let settlement: SQL = """
        WITH ended AS (
            SELECT s.id, j.state = 'done' AND s.sha256 IS NOT NULL AS is_there, j.result, j.fault_code, j.fault_message
            FROM snapshot s LEFT JOIN machine_job j ON j.id = s.job_id
                LEFT JOIN virtual_machine vm ON vm.id = s.vm_id
            WHERE s.state = 'creating'
                AND (j.id IS NULL OR j.state <> 'pending' OR vm.id IS NULL OR vm.deleted_at IS NOT NULL)
            ORDER BY s.id FOR UPDATE OF s SKIP LOCKED
        ), settled AS (
            UPDATE snapshot s SET finished_at = now(), state = CASE WHEN e.is_there THEN 'available' ELSE 'error' END,
                consistent = CASE WHEN e.is_there THEN (e.result::jsonb ->> 'is_consistent')::boolean END,
                size_gib = CASE WHEN e.is_there
                    THEN greatest(1, ceil((e.result::jsonb ->> 'virtual_size')::numeric / 1073741824))::integer
                    ELSE s.size_gib END,
                fault_code = CASE WHEN e.is_there THEN NULL ELSE coalesce(e.fault_code, 'host_command_failed') END,
                fault_message = CASE WHEN e.is_there THEN NULL
                    ELSE coalesce(e.fault_message, 'The machine was deleted before the snapshot was there.') END
            FROM ended e WHERE s.id = e.id RETURNING s.*
        ), event AS (
            INSERT INTO vm_event (vm_id, organization_id, type, reason, message)
            SELECT s.vm_id, s.organization_id, CASE s.state WHEN 'available' THEN 'normal' ELSE 'warning' END,
                CASE s.state WHEN 'available' THEN 'SnapshotCreateSuccess' ELSE 'SnapshotCreateFailed' END,
                coalesce(s.fault_message, format('Snapshot %s is there.', s.name))
            FROM settled s JOIN virtual_machine vm ON vm.id = s.vm_id
        )
        INSERT INTO image (region_id, organization_id, listed, snapshot_id, name, type, version, description, url, sha256,
            format, size)
        SELECT s.region_id, s.organization_id, false, s.id, s.name, b.type, b.version, s.description,
            'store:' || s.uuid::text, s.sha256, 'qcow2', s.bytes
        FROM settled s JOIN image b ON b.id = s.base_image_id WHERE s.state = 'available'
        """

    /// Snapshots' files that nothing stands on any more: no image, no machine that began as one, no volume that is to.
    package func unused() async throws -> [StoredImageUUID] {
        try await database.read { transaction in
            try transaction.query(
                """
                SELECT s.uuid FROM snapshot s
                WHERE s.state IN ('error', 'deleted') AND s.bytes > 0 AND NOT EXISTS (
                    SELECT FROM image i WHERE i.snapshot_id = s.id AND (i.deleted_at IS NULL
                        OR EXISTS (SELECT FROM virtual_machine vm WHERE vm.image_id = i.id AND vm.deleted_at IS NULL)
                        OR EXISTS (SELECT FROM volume v WHERE v.image_id = i.id AND v.state IN ('empty', 'placed'))))
                ORDER BY s.id LIMIT 100
                """
            )
            .map { try $0["uuid"] }
        }
    }

    /// Notes that a file is gone.
    package func noteRemoval(of image: StoredImageUUID) async throws {
        _ = try await database.transaction { transaction in
            try transaction.execute("UPDATE snapshot SET bytes = 0, sha256 = NULL WHERE uuid = \(image)")
        }
    }
}
