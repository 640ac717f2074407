// SPDX-License-Identifier: Apache-2.0

import Conductor
import Foundation
import GantryModel
import GantryTestSupport
import Postgres

/// What a cloud's machines are made from: the test data of the conductor's own command, and rows beside it.
struct CloudData: Sendable {
    /// The private halves of `TestKey` and `SecondKey`.
    let keyFiles: [String]

    /// The flavor that is no larger than a guest needs.
    static let flavor = "small"
    /// A flavor for a whole distribution.
    static let largerFlavor = "medium"
    static let secondEnvironment = "SecondEnv"
    static let keys = ["TestKey", "SecondKey"]

    init(_ conductor: TestConductor, _ database: Database, image: TestImage, folder: String) async throws {
        keyFiles = ["\(folder)/key1", "\(folder)/key2"]
        for file in keyFiles {
            // A comment is any text, and goes into the guest as part of the key.
            try await shell("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "it's \"one\" #1", "-f", file)
        }
        let publicKeys = try keyFiles.map {
            try String(contentsOfFile: $0 + ".pub", encoding: .utf8).trimmingCharacters(in: .newlines)
        }
        try await conductor.command(
            "seed-test-data",
            "--image-url",
            "file://\(image.path)",
            "--image-sha256",
            image.sha256,
            "--public-key",
            publicKeys[0],
            "--floating-ip-pool",
            "198.51.100.128/26"
        )
        try await Self.addRows(database, publicKeys)
    }

    private static func addRows(_ database: Database, _ publicKeys: [String]) async throws {
        try await database.transaction { transaction in
            try transaction.execute(
                """
                INSERT INTO flavor (region_id, name, vcpus, memory_mib, disk_gib)
                SELECT r.id, f.name, f.vcpus, f.memory_mib, f.disk_gib FROM region r,
                    (VALUES (\(flavor), 1, 128, 1), (\(largerFlavor), 2, 512, 4)) f (name, vcpus, memory_mib, disk_gib)
                """
            )
            let second: EnvironmentID =
                try
                transaction.query(
                    """
                    INSERT INTO environment (organization_id, region_id, name, subnet)
                    SELECT organization_id, region_id, \(secondEnvironment), '10.9.0.0/24' FROM environment
                    RETURNING id
                    """
                )[0]["id"]
            try AddressStore.addPrivateAddresses(of: second, in: transaction)
            for (name, key) in zip(keys, publicKeys) {
                try transaction.execute(
                    """
                    INSERT INTO key (environment_id, name, public_key, fingerprint)
                    SELECT id, \(name), \(key), '' FROM environment ON CONFLICT DO NOTHING
                    """
                )
            }
        }
    }
}

extension SystemCloud {
    /// Registers an image under a name.
    func addImage(_ name: String, url: String, sha256: String) async throws {
        try await database.transaction { transaction in
            try transaction.execute(
                """
                INSERT INTO image (region_id, name, url, sha256, format)
                SELECT id, \(name), \(url), \(sha256), 'qcow2' FROM region
                """
            )
        }
    }
}
