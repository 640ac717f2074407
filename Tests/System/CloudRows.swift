// SPDX-License-Identifier: Apache-2.0

import Conductor
import Foundation
import GantryModel
import GantryTestSupport
import Postgres
import Testing

/// The rows that a cloud's machines are made from.
struct CloudRows: Sendable {
    let organization: OrganizationID
    let user: UserID
    let region: RegionID
    let environment: EnvironmentID
    let image: ImageID
    let flavor: FlavorID
    let keys: [KeyID]
    /// The private halves.
    let keyFiles: [String]

    static func insert(into database: Database, image: TestImage) async throws -> CloudRows {
        let folder = FileManager.default.temporaryDirectory.path + "/gantry-keys-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let files = ["\(folder)/one", "\(folder)/two"]
        for file in files {
            try await shell("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "it's \"one\" #1", "-f", file)
        }
        let publicKeys = try files.map { try String(contentsOfFile: $0 + ".pub", encoding: .utf8) }
        return try await database.transaction { transaction in
            func id(_ statement: SQL) throws -> Int64 { try #require(try transaction.query(statement).first)["id"] }
            let organization = try id("INSERT INTO organization (name) VALUES ('acme') RETURNING id")
            let user = try id(
                "INSERT INTO user_account (organization_id, name) VALUES (\(organization), 'ada') RETURNING id"
            )
            let region = try id("INSERT INTO region (name) VALUES ('TEST-1') RETURNING id")
            let environment = try id(
                """
                INSERT INTO environment (organization_id, region_id, name, subnet)
                VALUES (\(organization), \(region), 'default', '10.1.0.0/24') RETURNING id
                """
            )
            try AddressStore.addPrivateAddresses(of: EnvironmentID(environment), in: transaction)
            let imageID = try id(
                """
                INSERT INTO image (region_id, name, url, sha256, format)
                VALUES (\(region), 'test', \("file://" + image.path), \(image.sha256), 'qcow2') RETURNING id
                """
            )
            let flavor = try id(
                """
                INSERT INTO flavor (region_id, name, vcpus, memory_mib, disk_gib)
                VALUES (\(region), 'small', 1, 256, 3) RETURNING id
                """
            )
            let pool = try id(
                """
                INSERT INTO floating_ip_pool (region_id, name, network)
                VALUES (\(region), 'public', '198.51.100.128/26') RETURNING id
                """
            )
            try AddressStore.addFloatingIPs(of: FloatingIPPoolID(pool), in: transaction)
            let keys = try publicKeys.enumerated()
                .map { index, key in
                    try id(
                        """
                        INSERT INTO key (environment_id, name, public_key, fingerprint)
                        VALUES (\(environment), \("key\(index)"), \(key.trimmingCharacters(in: .newlines)), '') RETURNING id
                        """
                    )
                }
            return CloudRows(
                organization: OrganizationID(organization),
                user: UserID(user),
                region: RegionID(region),
                environment: EnvironmentID(environment),
                image: ImageID(imageID),
                flavor: FlavorID(flavor),
                keys: keys.map { KeyID($0) },
                keyFiles: files
            )
        }
    }
}
