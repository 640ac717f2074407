// SPDX-License-Identifier: Apache-2.0

import GantryModel
import Postgres

/// Holds an organization and an environment to their quotas while a transaction adds something to them.
///
/// Everything that exists counts, in whatever state it is: a stopped or hibernated machine counts in full, so that it can
/// come back whenever its owner wants, and a machine that is being deleted counts until it is gone.
struct QuotaCheck {
    let organization: OrganizationID
    let environment: EnvironmentID
    let asked: QuotaAmounts
    /// False where the organization has what is asked for already, in another environment.
    var countsOrganization = true

    /// - Parameters:
    ///   - organization: whose it will be.
    ///   - environment: where it will be.
    ///   - asked: what the transaction adds.
    init(_ organization: OrganizationID, _ environment: EnvironmentID, asked: QuotaAmounts) {
        (self.organization, self.environment, self.asked) = (organization, environment, asked)
    }

    /// Counts what there is, in a transaction that has not added anything yet.
    ///
    /// - Throws: ``QuotaExceeded``.
    func run(_ transaction: Transaction) throws {
        try verify(try transaction.together(statements).map(\.rows))
    }

    /// What finds out whether there is room. The first locks the limits until the transaction ends, so that whoever else
    /// adds something waits, and the second then sees what those before have added.
    var statements: [SQL] {
        [
            """
            SELECT organization_id IS NOT NULL AS whole, vms, vcpus, memory_gib, gpus, volumes, volume_gib, floating_ips
            FROM quota WHERE (\(countsOrganization) AND organization_id = \(organization)) OR environment_id = \(environment)
            ORDER BY id FOR NO KEY UPDATE
            """,
            Self.usage(organization, environment),
        ]
    }

    /// - Parameter results: those of ``statements``.
    /// - Throws: ``QuotaExceeded``.
    func verify(_ results: [[Row]]) throws {
        let (whole, here) = try Self.usage(results[1])
        for row in results[0] {
            let isWhole: Bool = try row["whole"]
            let (limits, used) = (try Self.limits(row), isWhole ? whole : here)
            for dimension in QuotaDimension.allCases {
                guard let limit = limits[dimension], let asked = asked[dimension], asked > 0 else { continue }
                guard used[dimension, default: 0] + asked > limit else { continue }
                throw QuotaExceeded(
                    dimension: dimension,
                    used: used[dimension, default: 0],
                    limit: limit,
                    asked: asked,
                    owner: isWhole ? "the organization" : "the environment"
                )
            }
        }
    }

    // MARK: - Rows

    /// What the organization has within and without an environment, a row each. A floating IP that moves counts where it
    /// goes.
    static func usage(_ organization: OrganizationID, _ environment: EnvironmentID?) -> SQL {
        """
        SELECT coalesce(environment_id = \(environment)::bigint, false) AS here, sum(vms) AS vms, sum(vcpus) AS vcpus,
            sum(memory_mib) AS memory, sum(gpu_count) AS gpus, sum(volumes) AS volumes, sum(volume_gib) AS volume_gib,
            sum(floating_ips) AS floating_ips
        FROM (
            SELECT environment_id, 1 AS vms, vcpus, memory_mib, gpu_count, 0 AS volumes, 0 AS volume_gib,
                (SELECT count(*) FROM floating_ip f WHERE f.next_vm_id = vm.id
                    OR f.vm_id = vm.id AND f.next_vm_id IS NULL)::integer AS floating_ips
            FROM virtual_machine vm WHERE organization_id = \(organization) AND deleted_at IS NULL
            UNION ALL SELECT environment_id, 0, 0, 0, 0, 1, size_gib, 0
            FROM volume WHERE organization_id = \(organization) AND deleted_at IS NULL
        ) AS thing GROUP BY 1
        """
    }

    /// Of the whole organization, and of the environment.
    static func usage(_ rows: [Row]) throws -> (whole: QuotaAmounts, here: QuotaAmounts) {
        var (whole, here): (QuotaAmounts, QuotaAmounts) = ([:], [:])
        for row in rows {
            let amounts: QuotaAmounts = try [
                .vms: row["vms"], .vcpus: row["vcpus"], .memory: row["memory"], .gpus: row["gpus"],
                .volumes: row["volumes"], .volumeGiB: row["volume_gib"], .floatingIPs: row["floating_ips"],
            ]
            whole.merge(amounts, uniquingKeysWith: +)
            if try row["here"] { here.merge(amounts, uniquingKeysWith: +) }
        }
        return (whole, here)
    }

    static func limits(_ row: Row) throws -> QuotaAmounts {
        var limits: QuotaAmounts = [:]
        for dimension in QuotaDimension.allCases {
            let limit: Int? = try row[dimension.rawValue]
            limits[dimension] = limit.map { $0 * dimension.unit }
        }
        return limits
    }
}

extension QuotaCheck {
    /// The check for something more of a machine.
    ///
    /// - Returns: nil where there is no quota, so that most transactions do not ask for more.
    /// - Throws: `PostgresError`.
    static func more(
        _ asked: QuotaAmounts,
        of machine: VirtualMachineID,
        _ transaction: Transaction
    ) throws -> QuotaCheck? {
        let rows = try transaction.query(
            """
            SELECT vm.organization_id, vm.environment_id FROM virtual_machine vm
            WHERE vm.id = \(machine) AND EXISTS (
                SELECT FROM quota q WHERE q.organization_id = vm.organization_id OR q.environment_id = vm.environment_id)
            """
        )
        return try rows.first.map { try QuotaCheck($0["organization_id"], $0["environment_id"], asked: asked) }
    }
}
