// SPDX-License-Identifier: Apache-2.0

package import GantryModel
package import Postgres

/// What the first calls of the documentation name: an environment, an image, a flavor, a key pair and an API key.
package struct TestData: Sendable {
    /// The API key. A conductor that other machines can reach refuses it.
    package static let apiKey = "test_token"
    package static let region = "TestRegion"

    private let imageURL: String
    private let imageSHA256: SHA256Digest
    private let imageFormat: String
    private let publicKey: SSHPublicKey
    private let floatingIPPool: Subnet

    package init(
        imageURL: String,
        imageSHA256: SHA256Digest,
        imageFormat: String,
        publicKey: SSHPublicKey,
        floatingIPPool: Subnet
    ) {
        (self.imageURL, self.imageSHA256, self.imageFormat) = (imageURL, imageSHA256, imageFormat)
        (self.publicKey, self.floatingIPPool) = (publicKey, floatingIPPool)
    }

    /// Writes what is not there yet, and brings image and key up to date.
    package func write(to database: Database) async throws {
        try await database.transaction { transaction in
            let region = try place(transaction)
            let environment = try tenant(region, transaction)
            try offer(region, transaction)
            try transaction.execute(
                """
                INSERT INTO key (environment_id, name, public_key, fingerprint)
                VALUES (\(environment), 'TestKey', \(publicKey.text), \(publicKey.fingerprint))
                ON CONFLICT (environment_id, name)
                DO UPDATE SET public_key = excluded.public_key, fingerprint = excluded.fingerprint
                """
            )
        }
    }

    private func place(_ transaction: Transaction) throws -> RegionID {
        let region: RegionID = try id(
            """
            INSERT INTO region (name) VALUES (\(Self.region))
            ON CONFLICT (name) DO UPDATE SET name = excluded.name RETURNING id
            """,
            transaction
        )
        let pools = try transaction.query(
            """
            INSERT INTO floating_ip_pool (region_id, name, network) VALUES (\(region), 'TestPool', \(floatingIPPool))
            ON CONFLICT DO NOTHING RETURNING id
            """
        )
        if let pool = pools.first { try AddressStore.addFloatingIPs(of: try pool["id"], in: transaction) }
        return region
    }

    private func tenant(_ region: RegionID, _ transaction: Transaction) throws -> EnvironmentID {
        let organization: OrganizationID = try id(
            """
            INSERT INTO organization (name) VALUES ('TestOrganization')
            ON CONFLICT (name) DO UPDATE SET name = excluded.name RETURNING id
            """,
            transaction
        )
        let user: UserID = try id(
            """
            INSERT INTO user_account (organization_id, name) VALUES (\(organization), 'TestUser')
            ON CONFLICT (organization_id, name) DO UPDATE SET name = excluded.name RETURNING id
            """,
            transaction
        )
        try transaction.execute(
            """
            INSERT INTO api_key (user_id, name, digest, test_only)
            VALUES (\(user), \(Self.apiKey), \(APIKeyStore.digest(of: Self.apiKey)), true) ON CONFLICT DO NOTHING
            """
        )
        let made = try transaction.query(
            """
            INSERT INTO environment (organization_id, region_id, name, subnet)
            SELECT \(organization), r.id, 'TestEnv', set_masklen(r.network, r.environment_prefix)
            FROM region r WHERE r.id = \(region) ON CONFLICT DO NOTHING RETURNING id
            """
        )
        if let row = made.first { try AddressStore.addPrivateAddresses(of: try row["id"], in: transaction) }
        return try id(
            "SELECT id FROM environment WHERE organization_id = \(organization) AND name = 'TestEnv'",
            transaction
        )
    }

    private func offer(_ region: RegionID, _ transaction: Transaction) throws {
        try transaction.execute(
            """
            INSERT INTO flavor (region_id, name, vcpus, memory_mib, disk_gib)
            VALUES (\(region), 'TestFlavor', 1, 512, 4) ON CONFLICT DO NOTHING
            """
        )
        try transaction.execute(
            """
            INSERT INTO image (region_id, name, url, sha256, format)
            VALUES (\(region), 'TestImage', \(imageURL), \(imageSHA256), \(imageFormat))
            ON CONFLICT (region_id, organization_id, name) WHERE deleted_at IS NULL AND listed
            DO UPDATE SET url = excluded.url, sha256 = excluded.sha256, format = excluded.format
            """
        )
    }

    private func id<Subject>(_ statement: SQL, _ transaction: Transaction) throws -> Identifier<Subject> {
        guard let row = try transaction.query(statement).first else {
            throw InvalidValue("The test data is in the way of rows of the same names; remove these.")
        }
        return try row["id"]
    }
}
