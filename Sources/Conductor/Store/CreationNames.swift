// SPDX-License-Identifier: Apache-2.0

import GantryModel
import Postgres

/// What a request for machines names.
struct CreationNames: Sendable, Hashable {
    var environment: String
    var flavor: String
    /// Empty where a volume is named.
    var image: String
    /// The volume to boot from.
    var volume: String?
    /// At least one, each once.
    var keys: [String]
}

/// What the names stand for.
struct CreationIDs: Sendable, Hashable {
    var environment: EnvironmentID
    var flavor: FlavorID
    var image: ImageID
    var volume: VolumeID?
    /// In the order of the names.
    var keys: [KeyID]
}

extension CreationNames {
    /// Looks the names up: the environment within the organization, the rest within the environment and its region.
    ///
    /// - Throws: ``MachineRefusal`` with `notFound` that names the field.
    func resolved(in organization: OrganizationID, _ database: Database) async throws -> CreationIDs {
        let rows = try await database.read { transaction in
            try transaction.query(
                """
                SELECT e.id AS environment, r.name AS region, f.id AS flavor, coalesce(v.image_id, i.id) AS image,
                    v.id AS volume,
                    ARRAY(SELECT coalesce(k.id, 0) FROM unnest(\(keys)::text[]) WITH ORDINALITY AS asked (name, position)
                        LEFT JOIN key k ON k.environment_id = e.id AND k.name = asked.name
                        ORDER BY asked.position) AS keys
                FROM environment e JOIN region r ON r.id = e.region_id
                    LEFT JOIN flavor f ON f.region_id = r.id AND f.name = \(flavor) AND f.deleted_at IS NULL
                    LEFT JOIN LATERAL (
                        SELECT id FROM image WHERE region_id = r.id AND name = \(image) AND listed
                            AND deleted_at IS NULL
                            AND (organization_id IS NULL OR organization_id = \(organization))
                        ORDER BY organization_id NULLS LAST LIMIT 1
                    ) AS i ON true
                    LEFT JOIN volume v ON v.environment_id = e.id AND v.name = \(volume)::text
                        AND v.deleted_at IS NULL
                WHERE e.organization_id = \(organization) AND e.name = \(environment)
                """
            )
        }
        guard let row = rows.first else {
            throw MachineRefusal(.notFound, "environment_name: there is no environment “\(environment)”.")
        }
        let region: String = try row["region"]
        guard let flavorID: FlavorID = try row["flavor"] else {
            throw MachineRefusal(.notFound, "flavor_name: there is no flavor “\(flavor)” in region \(region).")
        }
        let volumeID: VolumeID? = try row["volume"]
        if let volume, volumeID == nil { throw MachineRefusal(.notFound, "Volume \(volume) does not exist") }
        if let volume, try row["image"] as ImageID? == nil {
            throw MachineRefusal(
                .wrongState,
                "volume_name: no machine can boot from volume “\(volume)”; make one with `image_id`."
            )
        }
        guard let imageID: ImageID = try row["image"] else {
            throw MachineRefusal(.notFound, "image_name: there is no image “\(image)” in region \(region).")
        }
        let keyIDs: [KeyID] = try row["keys"]
        for (name, id) in zip(keys, keyIDs) where id == KeyID(0) {
            throw MachineRefusal(
                .notFound,
                "key_names: there is no key pair “\(name)” in environment “\(environment)”."
            )
        }
        return CreationIDs(
            environment: try row["environment"],
            flavor: flavorID,
            image: imageID,
            volume: volumeID,
            keys: keyIDs
        )
    }
}
