// SPDX-License-Identifier: Apache-2.0

package import GantryModel
package import Postgres

/// Volumes, always within one organization. What changes machines is in ``MachineLifecycle``.
package struct VolumeStore: Sendable {
    let database: Database

    package init(database: Database) {
        self.database = database
    }

    /// One page of them, oldest first; of environments whose name holds a text, where one is given.
    package func volumes(
        in organization: OrganizationID,
        environment: String? = nil,
        _ query: ListQuery
    ) async throws -> Page<VolumeRecord> {
        try await database.read { transaction in
            let found = try transaction.query(
                """
                WITH matching AS (
                    SELECT v.id FROM volume v JOIN environment e ON e.id = v.environment_id
                    WHERE v.organization_id = \(organization) AND v.deleted_at IS NULL
                        AND (\(query.environments)::bigint[] IS NULL
                            OR v.environment_id = ANY (\(query.environments)::bigint[]))
                        AND (\(query.search)::text IS NULL
                            OR position(lower(\(query.search)::text) IN lower(v.name)) > 0)
                        AND (\(environment)::text IS NULL
                            OR position(lower(\(environment)::text) IN lower(e.name)) > 0)
                )
                SELECT (SELECT count(*) FROM matching) AS count, ARRAY(
                    SELECT id FROM matching ORDER BY id LIMIT \(query.limit)::bigint OFFSET \(query.offset)::bigint
                ) AS ids
                """
            )
            return try Page(found) { try Self.records($0, in: organization, transaction) }
        }
    }

    /// - Throws: ``ResourceRefusal`` with `notFound`.
    package func volume(_ id: VolumeID, in organization: OrganizationID) async throws -> VolumeRecord {
        try await database.read { try Self.record(id, in: organization, $0) }
    }

    /// Whether a new volume could have the name in every environment of the organization.
    package func isFree(_ name: String, in organization: OrganizationID) async throws -> Bool {
        try await database.read { transaction in
            try transaction.query(
                """
                SELECT FROM volume WHERE organization_id = \(organization) AND name = \(name) AND deleted_at IS NULL
                LIMIT 1
                """
            )
            .isEmpty
        }
    }

    /// The names of the storage pools that nodes have, by which volumes are asked for.
    package func types() async throws -> [String] {
        try await database.read { transaction in
            try transaction.query(
                """
                SELECT DISTINCT p.name FROM storage_pool p
                WHERE EXISTS (SELECT FROM node_storage_pool n WHERE n.pool_id = p.id) ORDER BY p.name
                """
            )
            .map { try $0["name"] }
        }
    }

    /// Makes a volume. Its file is made when the first machine gets it, on a node that the machine is on.
    ///
    /// - Throws: ``ResourceRefusal`` with `notFound` for what the request names, `taken` for the name.
    package func create(_ volume: NewVolume) async throws -> VolumeRecord {
        try await refusing(volume.name) { transaction in
            let id = try Self.insert(volume, transaction)
            try transaction.execute(VolumeCallback.tell([id], .createVolume, "AVAILABLE"))
            return try Self.record(id, in: volume.organization, transaction)
        }
    }

    /// Has a volume deleted that no machine has, with all data. One that no node made is gone at once; any other when a
    /// node said that its file is.
    ///
    /// - Throws: ``ResourceRefusal`` with `notFound` or `wrongState`.
    package func remove(_ id: VolumeID, in organization: OrganizationID) async throws {
        try await database.transaction { transaction in
            let volume = try LockedVolume.lock([id], in: organization, transaction)[0]
            if let attachment = volume.attachment {
                throw ResourceRefusal(
                    .wrongState,
                    "Volume “\(volume.name)” is attached to VM \(attachment.machine); detach it first."
                )
            }
            guard volume.state != .deleting else { return }
            let isEmpty = volume.state == .empty
            try transaction.execute(
                """
                UPDATE volume SET state = \(isEmpty ? VolumeRecord.State.deleted : .deleting),
                    deleted_at = CASE WHEN \(isEmpty)::boolean THEN now() END
                WHERE id = \(id)
                """
            )
            try transaction.execute(VolumeCallback.tell([id], .deleteVolume, isEmpty ? "DELETED" : "DELETING"))
        }
    }

    // MARK: - Parts

    private static func insert(_ volume: NewVolume, _ transaction: Transaction) throws -> VolumeID {
        let rows = try transaction.query(
            """
            SELECT e.id, r.name AS region, p.id AS pool, i.id AS image,
                ARRAY(SELECT name FROM storage_pool WHERE region_id = r.id ORDER BY name) AS pools
            FROM environment e JOIN region r ON r.id = e.region_id
                LEFT JOIN storage_pool p ON p.region_id = r.id AND p.name = \(volume.type)
                LEFT JOIN image i ON i.id = \(volume.image)::bigint AND i.region_id = r.id AND i.deleted_at IS NULL
                    AND (i.organization_id IS NULL OR i.organization_id = \(volume.organization))
            WHERE e.name = \(volume.environment) AND e.organization_id = \(volume.organization) FOR KEY SHARE OF e
            """
        )
        guard let row = rows.first else {
            throw ResourceRefusal.missing("environment_name", "environment", volume.environment)
        }
        let region: String = try row["region"]
        guard let pool: StoragePoolID = try row["pool"] else {
            let pools: [String] = try row["pools"]
            throw ResourceRefusal(
                .notFound,
                "volume_type: there is no “\(volume.type)” in region \(region); there "
                    + (pools.isEmpty ? "are no storage pools yet." : "is \(pools.joined(separator: ", ")).")
            )
        }
        let image: ImageID? = try row["image"]
        if let wanted = volume.image, image == nil {
            throw ResourceRefusal(.notFound, "image_id: there is no image \(wanted) in region \(region).")
        }
        let environment: EnvironmentID = try row["id"]
        try QuotaCheck(volume.organization, environment, asked: [.volumes: 1, .volumeGiB: volume.sizeGiB])
            .run(transaction)
        let made = try transaction.query(
            """
            INSERT INTO volume (organization_id, environment_id, created_by, pool_id, name, description, size_gib,
                image_id, callback_url)
            VALUES (\(volume.organization), \(environment), \(volume.user), \(pool), \(volume.name),
                \(volume.description), \(volume.sizeGiB), \(image), \(volume.callbackURL))
            RETURNING id
            """
        )
        guard let id: VolumeID = try made.first?["id"] else {
            throw PostgresError(.decoding, "a new volume has no row")
        }
        return id
    }

    private func refusing(
        _ name: String,
        _ body: @escaping @Sendable (Transaction) throws -> VolumeRecord
    ) async throws -> VolumeRecord {
        do {
            return try await database.transaction(body)
        } catch let error as PostgresError where error.isUniqueViolation("volume_name_unique") {
            throw Self.taken(name)
        }
    }

    static func taken(_ name: String) -> ResourceRefusal {
        ResourceRefusal(.taken, "There is a volume named “\(name)” in this environment; choose another name.")
    }

    static func record(
        _ id: VolumeID,
        in organization: OrganizationID,
        _ transaction: Transaction
    ) throws -> VolumeRecord {
        guard let record = try records([id], in: organization, transaction).first else {
            throw LockedVolume.notFound(id)
        }
        return record
    }

    static func records(
        _ ids: [VolumeID],
        in organization: OrganizationID,
        _ transaction: Transaction
    ) throws -> [VolumeRecord] {
        try transaction.query(
            """
            SELECT \(raw: VolumeRecord.columns) FROM \(raw: VolumeRecord.tables)
            WHERE v.id = ANY (\(ids)::bigint[]) AND v.organization_id = \(organization) AND v.deleted_at IS NULL
            ORDER BY v.id
            """
        )
        .map { try VolumeRecord($0) }
    }
}

/// What a new volume is to be.
package struct NewVolume: Sendable, Hashable {
    package var organization: OrganizationID
    package var user: UserID?
    /// The environment's name.
    package var environment: String
    package var name: String
    package var description: String
    /// The storage pool's name.
    package var type: String
    package var sizeGiB: Int
    package var image: ImageID?
    package var callbackURL: String?
}
