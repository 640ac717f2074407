// SPDX-License-Identifier: Apache-2.0

package import Foundation
package import GantryModel
package import GantryProtocol
package import Postgres

/// What machines' disks begin as, in a region.
package struct ImageRecord: Sendable, Hashable {
    package var id: ImageID
    package var regionName: String
    package var name: String
    package var type: String
    package var version: String
    package var description: String
    package var url: String
    package var sha256: SHA256Digest
    package var format: ImageSource.Format
    /// In bytes; 0 when it is not known.
    package var size: Int64
    package var machineCount: Int
    /// Whose it is; nil for those that everybody can use.
    package var organization: OrganizationID?
    package var snapshot: SnapshotID?
    package var labels: [String]
    package var createdAt: Date
}

/// What a new image is to be.
package struct NewImage: Sendable, Hashable {
    package var region: String
    package var name: String
    package var type = ""
    package var version = ""
    package var description = ""
    package var url: String
    package var sha256: SHA256Digest
    package var format: ImageSource.Format
    package var size: Int64 = 0
}

/// The images that are not deleted.
package struct ImageStore: Sendable {
    private let database: Database

    package init(database: Database) {
        self.database = database
    }

    /// One page of a region's, or of all, by region, type and name.
    ///
    /// - Parameters:
    ///   - query: which rows.
    ///   - region: nil for all.
    ///   - organization: whose own images are listed too; nil for nobody's.
    ///   - includesPublic: whether those that everybody can use are.
    /// - Returns: the page.
    /// - Throws: `PostgresError`.
    package func images(
        _ query: ListQuery,
        region: RegionID?,
        of organization: OrganizationID? = nil,
        includesPublic: Bool = true
    ) async throws -> Page<ImageRecord> {
        try await database.read { transaction in
            let found = try transaction.query(
                """
                WITH matching AS (
                    SELECT i.id, r.name AS region, i.type, i.name FROM image i JOIN region r ON r.id = i.region_id
                    WHERE i.deleted_at IS NULL AND i.listed
                        AND CASE WHEN i.organization_id IS NULL THEN \(includesPublic)
                            ELSE i.organization_id = \(organization)::bigint END
                        AND (\(region)::bigint IS NULL OR i.region_id = \(region)::bigint)
                        AND (\(query.search)::text IS NULL
                            OR position(lower(\(query.search)::text) IN lower(i.name)) > 0)
                )
                SELECT (SELECT count(*) FROM matching) AS count, ARRAY(
                    SELECT id FROM matching ORDER BY region, type, name
                    LIMIT \(query.limit)::bigint OFFSET \(query.offset)::bigint
                ) AS ids
                """
            )
            return try Page(found) { try Self.records($0, transaction) }
        }
    }

    /// - Throws: ``ResourceRefusal`` with `notFound`, as all that follow.
    package func image(_ id: ImageID, for organization: OrganizationID? = nil) async throws -> ImageRecord {
        let record = try await database.read { try Self.record(id, $0) }
        guard record.organization == nil || record.organization == organization else { throw Self.notFound(id) }
        return record
    }

    /// Whether a new image of the organization could have the name in every region.
    package func isFree(_ name: String, in organization: OrganizationID) async throws -> Bool {
        try await database.read { transaction in
            try transaction.query(
                """
                SELECT FROM image WHERE name = \(name) AND listed AND deleted_at IS NULL
                    AND (organization_id IS NULL OR organization_id = \(organization)) LIMIT 1
                """
            )
            .isEmpty
        }
    }

    /// Takes an image of the organization's own off the list. Machines made from it stay as they are.
    package func remove(_ id: ImageID, of organization: OrganizationID) async throws {
        let removed = try await database.transaction { transaction in
            try transaction.execute(
                """
                UPDATE image SET deleted_at = now()
                WHERE id = \(id) AND organization_id = \(organization) AND listed AND deleted_at IS NULL
                """
            )
        }
        guard removed == 1 else {
            let image = try await image(id, for: organization)
            throw ResourceRefusal(.invalid, "Image “\(image.name)” is everybody's; only its operator can delete it.")
        }
    }

    /// - Throws: ``ResourceRefusal`` with `taken` for a name that the region has.
    package func create(_ image: NewImage) async throws -> ImageRecord {
        do {
            return try await database.transaction { transaction in
                let rows = try transaction.query(
                    """
                    INSERT INTO image (region_id, name, type, version, description, url, sha256, format, size)
                    SELECT id, \(image.name), \(image.type), \(image.version), \(image.description), \(image.url),
                        \(image.sha256), \(image.format), \(image.size)
                    FROM region WHERE name = \(image.region) RETURNING id
                    """
                )
                guard let id: ImageID = try rows.first?["id"] else {
                    throw ResourceRefusal.missing("region", "region", image.region)
                }
                return try Self.record(id, transaction)
            }
        } catch let error as PostgresError where error.isUniqueViolation("image_name_unique") {
            throw ResourceRefusal(
                .taken,
                "Region \(image.region) has an image named “\(image.name)”; delete it first or choose another name."
            )
        }
    }

    /// Takes an image off the list. Machines made from it stay as they are.
    package func remove(_ id: ImageID) async throws {
        let removed = try await database.transaction {
            try $0.execute(
                "UPDATE image SET deleted_at = now() WHERE id = \(id) AND organization_id IS NULL AND deleted_at IS NULL"
            )
        }
        guard removed == 1 else { throw Self.notFound(id) }
    }

    private static func record(_ id: ImageID, _ transaction: Transaction) throws -> ImageRecord {
        guard let record = try records([id], transaction).first else { throw notFound(id) }
        return record
    }

    private static func records(_ ids: [ImageID], _ transaction: Transaction) throws -> [ImageRecord] {
        let rows = try transaction.query(
            """
            SELECT i.id, r.name AS region, i.name, i.type, i.version, i.description, i.url, i.sha256, i.format, i.size,
                i.created_at, i.organization_id, i.snapshot_id, i.labels, coalesce(m.machines, 0) AS machines
            FROM image i JOIN region r ON r.id = i.region_id LEFT JOIN (
                SELECT image_id, count(*) AS machines FROM virtual_machine
                WHERE image_id = ANY (\(ids)::bigint[]) AND deleted_at IS NULL GROUP BY image_id
            ) m ON m.image_id = i.id
            WHERE i.id = ANY (\(ids)::bigint[]) AND i.deleted_at IS NULL AND i.listed ORDER BY r.name, i.type, i.name
            """
        )
        return try rows.map { row in
            try ImageRecord(
                id: row["id"],
                regionName: row["region"],
                name: row["name"],
                type: row["type"],
                version: row["version"],
                description: row["description"],
                url: row["url"],
                sha256: row["sha256"],
                format: row["format"],
                size: row["size"],
                machineCount: row["machines"],
                organization: row["organization_id"],
                snapshot: row["snapshot_id"],
                labels: row["labels"],
                createdAt: row["created_at"]
            )
        }
    }

    private static func notFound(_ id: ImageID) -> ResourceRefusal {
        ResourceRefusal(.notFound, "Image \(id) does not exist.")
    }
}
