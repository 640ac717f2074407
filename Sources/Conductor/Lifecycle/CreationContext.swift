// SPDX-License-Identifier: Apache-2.0

import GantryModel
import Placement
import Postgres

/// What a request's ids stand for, as read within its transaction.
struct CreationContext {
    let environmentName: String
    /// Whether the organization or the environment has limits.
    let hasQuota: Bool
    let region: RegionID
    let regionName: String
    let flavorName: String
    /// What each machine claims of its node.
    let request: PlacementRequest
    let boot: BootVolume?
    /// The part of the disk that goes with the machine.
    let ownDiskGiB: Int

    /// Locks the environment against deletion before anything of it is claimed, so that the two cannot wait for each other.
    ///
    /// - Throws: ``MachineRefusal`` with `notFound` when something is not there, or not in the environment's region.
    static func load(_ creation: MachineCreation, _ transaction: Transaction) throws -> CreationContext {
        let rows = try transaction.query(
            """
            SELECT e.name AS environment, r.id AS region_id, r.name AS region, f.name AS flavor, f.vcpus, f.memory_mib,
                f.disk_gib, f.gpu_type, f.gpu_count, i.id IS NOT NULL AS has_image,
                (SELECT count(*) FROM key k
                 WHERE k.id = ANY (\(creation.keys)::bigint[]) AND k.environment_id = e.id) AS keys,
                EXISTS (SELECT FROM quota q
                        WHERE q.organization_id = e.organization_id OR q.environment_id = e.id) AS has_quota
            FROM environment e JOIN region r ON r.id = e.region_id
                LEFT JOIN flavor f ON f.id = \(creation.flavor) AND f.region_id = r.id AND f.deleted_at IS NULL
                LEFT JOIN image i ON i.id = \(creation.image) AND i.region_id = r.id
                    AND (i.organization_id IS NULL OR i.organization_id = e.organization_id)
                    AND (i.deleted_at IS NULL OR \(creation.boot.isExisting)::boolean)
            WHERE e.id = \(creation.environment) AND e.organization_id = \(creation.organization)
            FOR KEY SHARE OF e
            """
        )
        guard let row = rows.first else {
            throw MachineRefusal(.notFound, "The environment does not exist.")
        }
        let (environment, region): (String, String) = try (row["environment"], row["region"])
        guard let flavorName: String = try row["flavor"] else {
            throw MachineRefusal(.notFound, "The flavor does not exist in region \(region).")
        }
        guard try row["has_image"] else {
            throw MachineRefusal(.notFound, "The image does not exist in region \(region).")
        }
        guard try row["keys"] == Set(creation.keys).count else {
            throw MachineRefusal(.notFound, "One of the keys does not exist in environment \(environment).")
        }
        let flavorDisk: Int = try row["disk_gib"]
        let boot = try BootVolume.load(creation, flavorDisk, region: row["region_id"], transaction)
        return try CreationContext(
            environmentName: environment,
            hasQuota: row["has_quota"],
            region: row["region_id"],
            regionName: region,
            flavorName: flavorName,
            request: PlacementRequest(
                resources: Resources(
                    vcpus: row["vcpus"],
                    memoryMiB: row["memory_mib"],
                    diskGiB: boot?.claimedGiB ?? flavorDisk
                ),
                gpus: GPURequest(type: row["gpu_type"], count: row["gpu_count"])
            ),
            boot: boot,
            ownDiskGiB: boot == nil ? flavorDisk : 0
        )
    }
}

extension SecurityRule {
    /// What every machine gets: it may reach anything; nothing reaches it but what a rule of its own allows.
    static let defaults = [EtherType.ipv4, .ipv6]
        .map { etherType in
            SecurityRule(direction: .egress, etherType: etherType, protocol: "any", remote: anywhere, ports: 1...65535)
        }

    /// The vendor's word for everything, in rules for IPv6 too.
    static let anywhere: IPPrefix = {
        guard let subnet = try? Subnet(base: IPv4Address(value: 0), prefixLength: 0) else {
            preconditionFailure("0.0.0.0/0 is a subnet")
        }
        return .ipv4(subnet)
    }()
}

extension Duration {
    /// In seconds, with fractions.
    var seconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}
